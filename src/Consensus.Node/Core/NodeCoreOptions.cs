using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>Who this member is, and its timing. All times in microseconds.</summary>
public sealed record NodeCoreOptions
{
    public required ClusterId Cluster { get; init; }

    public required MemberId Self { get; init; }

    public required string Name { get; init; }

    /// <summary>Random, positive, new with every start of the process.</summary>
    public required long Boot { get; init; }

    /// <summary>What this member announces in the log (rule 7).</summary>
    public required string ClientUrl { get; init; }

    public required string PeerAddress { get; init; }

    public required string Version { get; init; }

    public required RaftOptions Raft { get; init; }

    /// <summary>The same on all members of a cluster.</summary>
    public Limits Limits { get; init; } = Limits.Default;

    /// <summary>What this member is told of the settings of a new cluster, once each; of the others it brings those of <see cref="Limits"/>. Not read in a cluster that has its settings.</summary>
    public ImmutableArray<SettingValue> InitialSettings { get; init; } = [];

    /// <summary>
    /// Whose role is <c>admin</c> in a new cluster, which then judges rights from its first entries on; empty: it does not. Not read in a
    /// cluster that is formed.
    /// </summary>
    public string FirstAdmin { get; init; } = "";

    /// <summary>A snapshot is due after this many entries, or half the last snapshot's bytes of log where that is more (docs/decisions/0011) …</summary>
    public long SnapshotEntries { get; init; } = 10_000;

    /// <summary>… but after this many bytes of log at the latest (rule 14).</summary>
    public long SnapshotBytes { get; init; } = 64L << 20;

    /// <summary>A request that does not wait for a lock is answered within this time (rule 19).</summary>
    public long RequestTimeoutMicros { get; init; } = 5_000_000;

    /// <summary>Most requests of clients that this member has in hand, waiting ones apart. The last tenth is for urgent ones.</summary>
    public int MaxPendingCommands { get; init; } = 20_000;

    /// <summary>Most bytes of them: while there is no leader they are all held here. The last tenth is for urgent ones.</summary>
    public long MaxPendingBytes { get; init; } = 64L << 20;

    /// <summary>On the leader: most bytes of other members' commands that wait to be proposed. The last tenth is for urgent ones.</summary>
    public long MaxForeignBytes { get; init; } = 32L << 20;

    /// <summary>Most bytes of commands that are on their way to the leader, urgent ones apart; one larger goes alone. What is behind them waits here.</summary>
    public long MaxForwardedBytes { get; init; } = 4L << 20;

    /// <summary>
    /// Most bytes of what is remembered of clients that left while they asked for holds under a key. Past it the oldest that was not told
    /// is given back sooner.
    /// </summary>
    public long MaxGivenUpBytes { get; init; } = 16L << 20;

    /// <summary>While a command above <see cref="StateMachine.Commands.Urgency.MaxBytes"/> has waited for room for so long, further ones are refused.</summary>
    public long MaxBulkWaitMicros { get; init; } = 1_000_000;

    /// <summary>What a leader has proposed is to be committed within this time: the rest waits where urgent commands pass it. See <see cref="Flow.ProposalWindow"/>.</summary>
    public long ProposalTargetMicros { get; init; } = 25_000;

    /// <summary>Bytes that a leader proposes however long they take …</summary>
    public long LeastProposalBytes { get; init; } = 1L << 20;

    /// <summary>… and that it never exceeds, however fast they are.</summary>
    public long MostProposalBytes { get; init; } = 16L << 20;

    /// <summary>Most bytes of clients' commands that wait for the next turn. The last tenth is for urgent ones.</summary>
    public long MaxInboxBytes { get; init; } = 32L << 20;

    /// <summary>Most bytes of other members' frames that wait for the next turn: past it their links wait.</summary>
    public long MaxInboxFrameBytes { get; init; } = 32L << 20;

    /// <summary>A member that the leader has not heard for this long loses its hold on waiting places (rule 18).</summary>
    public long DetachAfterMicros { get; init; } = 2_000_000;

    /// <summary>While anything lives by cluster time, an idle leader logs it this often (rule 1).</summary>
    public long TimeEntryMicros { get; init; } = 1_000_000;

    /// <summary>While nobody reads, the view that this member keeps at hand is this old at most.</summary>
    public long RenewViewMicros { get; init; } = 1_000_000;

    /// <summary>What one turn may apply, in units of <see cref="TurnBudget"/>, of about a microsecond each; the rest waits for the next turn (rule 9).</summary>
    public long TurnUnits { get; init; } = 5_000;

    public long ElectionTimeoutMicros => Raft.ElectionTimeoutTicks * 1000L;
}
