using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Security.Generations;

namespace Consensus.Transport.Formation;

/// <summary>What a first start knows.</summary>
public sealed record FormationOptions
{
    public required string Name { get; init; }

    /// <summary>Of the empty data directory, durable already (rule 7).</summary>
    public required long Incarnation { get; init; }

    /// <summary><c>--cluster-token</c>.</summary>
    public required string Token { get; init; }

    /// <summary>As <see cref="PeerTransportOptions.Boot"/>.</summary>
    public required long Boot { get; init; }

    /// <summary><c>--initial-cluster</c>, this member included.</summary>
    public required IReadOnlyList<InitialPeer> InitialCluster { get; init; }

    /// <summary>
    /// As <see cref="PeerTransportOptions.Tls"/>; who answers at an address must be the one that <c>--initial-cluster</c> names there.
    /// </summary>
    public ITlsSource? Tls { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Is told every <see cref="ReminderEvery"/> whom this start waits for.</summary>
    public TransportLog Log { get; init; } = (_, _) => { };

    /// <summary>As <see cref="PeerTransportOptions.Fatal"/>.</summary>
    public Action<string, Exception?> Fatal { get; init; } = GuardedThread.FailFast;

    public TimeSpan ReminderEvery { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>What a first start with <c>--initial-cluster</c> came to: the cluster that every initial member forms alike, to be made durable before anything else happens.</summary>
/// <param name="Cluster">Of the token and all initial members' incarnations.</param>
/// <param name="Member">This member.</param>
/// <param name="Members">
/// All initial members, this one included: the voters of the initial configuration. Empty when the cluster was formed without this process: nothing may be made durable of it, and
/// the process can only ask to be added (<see cref="Joining.ClusterJoin"/>).
/// </param>
public sealed record FormationResult(ClusterId Cluster, MemberId Member, IReadOnlyList<Member> Members)
{
    public bool IsFormed => Members.Count > 0;
}

/// <summary>This member cannot take part in the cluster that it was started for. The message is one sentence for the operator.</summary>
public sealed class FormationRefusedException(string message) : Exception(message);
