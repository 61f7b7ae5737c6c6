namespace Consensus.Raft;

/// <summary>Timing and limits of one core. A tick is one millisecond.</summary>
public sealed record RaftOptions
{
    /// <summary>Smallest time without a leader before a pre-vote; each wait is drawn from [T, 2T). Raft §5.2.</summary>
    public int ElectionTimeoutTicks { get; init; } = 1000;

    public int HeartbeatIntervalTicks { get; init; } = 100;

    /// <summary>The random wait before a pre-vote after the leader's process refused a connection is drawn from [0, this] (rule 6).</summary>
    public int LeaderGoneDelayTicks { get; init; } = 30;

    /// <summary>A member that just started, has reached a majority and has heard of no leader waits a random time from [0, this] before its pre-vote.</summary>
    public int StartDelayTicks { get; init; } = 150;

    /// <summary>Most append requests on their way to one follower.</summary>
    public int MaxInflightAppends { get; init; } = 256;

    /// <summary>
    /// With this many append requests on their way to a follower, what is appended is gathered: the next request goes when one of them is answered, or a
    /// tick after the last. A follower writes at most one batch while another waits, so more requests would bring nothing but their cost.
    /// </summary>
    public int EagerAppends { get; init; } = 2;

    /// <summary>Most bytes of entries in one append request; one larger entry goes alone.</summary>
    public int MaxAppendBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Most bytes of entries that are handed to the disk as one; one larger entry goes alone. Nothing is applied before it is durable here, so an urgent entry waits for all that is
    /// handed over with it.
    /// </summary>
    public int MaxPersistBytes { get; init; } = 1 << 20;

    /// <summary>Most bytes on their way to one follower. Fewer when they are long on their way, see <see cref="MaxInflightTicks"/>.</summary>
    public long MaxInflightBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Bytes on their way to one follower are lessened while they take longer than this to be acknowledged: what is small and urgent stands behind them in the one order of the log.
    /// </summary>
    public int MaxInflightTicks { get; init; } = 100;

    /// <summary>The least that bytes on their way are lessened to: a long way is no queue.</summary>
    public long LeastInflightBytes { get; init; } = 1 << 20;

    /// <summary>Most bytes of entries that are appended but not committed; past it proposals are refused. The last tenth is for urgent ones.</summary>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>Entries kept in memory behind a snapshot for followers that lag a little.</summary>
    public long TrailingEntries { get; init; } = 5_000;

    /// <summary>Most bytes of them: five thousand large ones would be gigabytes.</summary>
    public long TrailingBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Most bytes of log in memory. Past it what is applied is forgotten, even before a snapshot holds it, down to <see cref="TrailingBytes"/>: the disk still has it, and a follower
    /// that lacks some of it waits for the next snapshot. Only entries that are not applied yet can make it more. Up to here the log is also kept for a follower that is sent a
    /// snapshot, until it is level.
    /// </summary>
    public long MaxLogBytes { get; init; } = 256 << 20;

    /// <summary>A snapshot that a follower refused is offered again after this many ticks, then after twice as many, and so on …</summary>
    public int SnapshotPauseTicks { get; init; } = 1_000;

    /// <summary>… and after this many at the latest.</summary>
    public int LongestSnapshotPauseTicks { get; init; } = 60_000;

    /// <summary>Most bytes of committed entries handed out in one Ready.</summary>
    public long MaxCommittedBytes { get; init; } = 4 << 20;

    /// <summary>
    /// How far, in entries, a learner's match index may be behind the leader's last index for the learner to be promoted; also how far a voter may be
    /// behind and still count as one that would keep the quorum when the membership changes.
    /// </summary>
    public long PromotionLagEntries { get; init; } = 1_000;

    /// <summary>Tells this process from others of the same member, before it and after it. Random, and new with every start.</summary>
    public long Boot { get; init; }

    /// <summary>Seed of every random choice.</summary>
    public ulong Seed { get; init; } = 1;
}
