using Consensus.Raft.Tests.Support;

namespace Consensus.Exploration.Members;

/// <summary>One process of one member: the production core in the hands of its owner, with its disk. Once it is known it is never written again; a step is taken by a copy.</summary>
internal sealed class Member(Host host)
{
    public Host Host { get; } = host;

    /// <summary>How many reads this process asked for: the number of the next question begins anew with every process.</summary>
    public int ReadsAsked { get; set; }
}
