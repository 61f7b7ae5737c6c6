using Consensus.Primitives;

namespace Consensus.Node.Formation;

/// <summary>The data directory's member was removed from its cluster: no process can run on it any more. The message is one sentence for the operator.</summary>
public sealed class MemberRemovedException(string message) : Exception(message)
{
    /// <summary>What a removed member says, however and whenever it learns of it.</summary>
    public static string Sentence(string name, ClusterId cluster) =>
        $"{name} was removed from cluster {cluster} and cannot come back: to add it anew, "
        + $"start consensusd --name {name} with the addresses that it had and --join HOST:PORT on an empty data directory";
}
