using System.Runtime.InteropServices;
using Consensus.Primitives.Wire;

namespace Consensus.Storage.Format;

/// <summary>Headers hold checksums of what follows them, so they are filled in last, in the buffer that goes to disk in one write.</summary>
internal static class FrameBuffer
{
    /// <summary>What the writer holds, to be changed in place. The writer's array is this room's own, and nobody else sees it meanwhile.</summary>
    public static Span<byte> Writable(WireWriter writer) => MemoryMarshal.AsMemory(writer.WrittenMemory).Span;
}
