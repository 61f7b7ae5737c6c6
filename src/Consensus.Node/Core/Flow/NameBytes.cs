using System.Collections.Immutable;
using Consensus.StateMachine;

namespace Consensus.Node.Core.Flow;

/// <summary>What names take that are remembered beside a command.</summary>
internal static class NameBytes
{
    /// <summary>About what one takes beside its own bytes.</summary>
    private const int OwnBytes = 40;

    public static int Of(ImmutableArray<ObjectName> names)
    {
        var bytes = 0;
        foreach (var name in names)
        {
            bytes += OwnBytes + name.Name.Length;
        }
        return bytes;
    }
}
