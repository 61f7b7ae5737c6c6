using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Quorum;
using Consensus.Raft.Reads;
using Consensus.Raft.Time;
using Consensus.Raft.Tracker;

namespace Consensus.Raft;

/// <summary>
/// The Raft protocol as a pure function of its inputs: no clock, no I/O, no threads. One owner calls it. Inputs change the
/// core and gather output; <see cref="TakeReady"/> hands the output over.
/// </summary>
/// <remarks>
/// The parts: Starting (before a leader is heard of), Step (which message is heard), Time (what falls due), Elections (becoming leader), Voting (helping another to), Replication
/// (the leader's side), Following (the follower's side), Snapshots, ReadIndex, Transfer, Membership, Ready (output and persistence).
/// </remarks>
public sealed partial class RaftNode
{
    private readonly RaftOptions _options;
    private readonly DeterministicRandom _random;
    private readonly RaftLog _log;
    private readonly ConfigurationHistory _configurations;
    private readonly PersistQueue _disk = new();
    private readonly ClusterClock _clock;
    private readonly ProgressTracker _progress;
    private readonly VoteTally _votes = new();
    private readonly ReadRounds _rounds = new();
    private readonly ForwardedReads _forwarded = new();
    private MemberId _votedFor;
    private HardState _handedHardState;
    private SnapshotMark? _mark;

    public RaftNode(RaftOptions options, RaftInitialState initial)
    {
        Invariant.Require(!initial.Self.IsNone, "a member has an id");
        Invariant.Require(
            options.HeartbeatIntervalTicks > 0 && options.HeartbeatIntervalTicks < options.ElectionTimeoutTicks,
            "heartbeats come more often than elections");
        _options = options;
        Self = initial.Self;
        _random = new DeterministicRandom(options.Seed ^ (new DeterministicRandom((ulong)Self.Value).NextUInt64()));
        _log = new RaftLog(initial.Snapshot, initial.Entries);
        Invariant.Require(initial.HardState.Term >= _log.LastTerm, "the term that was saved is not below that of the log");
        _configurations = new ConfigurationHistory(initial.Configuration);
        foreach (var entry in initial.Entries)
        {
            if (entry.Kind == EntryKind.Configuration)
            {
                _configurations.Append(entry);
            }
        }
        _mark = initial.Snapshot;
        Term = initial.HardState.Term;
        _votedFor = initial.HardState.VotedFor;
        _handedHardState = initial.HardState;
        Invariant.Require(initial.Commit <= _log.LastIndex, "what is committed is in the log");
        _handedToApply = _log.FirstIndex.Previous;
        CommitIndex = LogIndex.Max(_handedToApply, initial.Commit);
        _handedToDisk = _log.LastIndex;
        _clock = new ClusterClock(_log.LastTerm, _log.LastStamp);
        _progress = new ProgressTracker(Self, options);
        ResetElectionDeadline();
    }

    public MemberId Self { get; }

    public RaftRole Role { get; private set; }

    public Term Term { get; private set; }

    /// <summary>The leader of <see cref="Term"/> as far as known, else <see cref="MemberId.None"/>.</summary>
    public MemberId Leader { get; private set; }

    public LogIndex CommitIndex { get; private set; }

    public LogIndex FirstIndex => _log.FirstIndex;

    /// <summary>Bytes that the log holds in memory.</summary>
    public long LogBytes => _log.Bytes;

    /// <summary>Up to here everything is committed, and on this member's disk.</summary>
    public LogIndex SettledIndex => LogIndex.Min(CommitIndex, _log.DurableIndex);

    /// <summary>Bytes of the entries above <see cref="SettledIndex"/>: what a new entry waits for before it can be applied here.</summary>
    public long UnsettledBytes => _log.BytesAfter(SettledIndex, _log.LastIndex);

    /// <summary>Bytes of the entries that were not handed out to be applied: nothing of them can be forgotten.</summary>
    public long UnappliedBytes => _log.BytesAfter(_handedToApply, _log.LastIndex);

    /// <summary>On a leader: bytes of entries that are appended but not committed.</summary>
    public long UncommittedBytes => Role == RaftRole.Leader ? _uncommittedBytes : 0;

    public LogIndex LastIndex => _log.LastIndex;

    /// <summary>The last index known durable on this member.</summary>
    public LogIndex DurableIndex => _log.DurableIndex;

    /// <summary>The configuration in force: that of the last configuration entry in the log, committed or not.</summary>
    public Configuration Configuration => _configurations.Current;

    /// <summary>Cluster time as this member knows it; runs by <see cref="AdvanceClock"/> only while it leads (rule 1).</summary>
    public ClusterTime Clock => _clock.Now;

    /// <summary>Stamp of the last log entry.</summary>
    public ClusterTime LastStamp => _log.LastStamp;

    /// <summary>True on a leader that has committed an entry of its own term.</summary>
    public bool HasCommittedInTerm { get; private set; }

    /// <summary>The target of a leadership transfer under way, else <see cref="MemberId.None"/>.</summary>
    public MemberId TransferTarget { get; private set; }

    /// <summary>Every other member's progress; empty unless this member leads.</summary>
    public IReadOnlyList<ProgressStatus> GetProgress()
    {
        var statuses = new List<ProgressStatus>();
        foreach (var p in _progress.All)
        {
            if (p.LeftOutAt == LogIndex.Zero)
            {
                statuses.Add(new ProgressStatus(p.Member, p.Match, p.Next, p.State, _now - p.HeardAt < _options.ElectionTimeoutTicks)
                {
                    IsCatchingUp = p.Offered is not null,
                    HeardMicros = p.Contact.HeardMicros,
                    RoundTripMicros = p.Contact.RoundTripMicros,
                });
            }
        }
        return statuses;
    }

    /// <summary>Lets cluster time pass; has an effect only while this member leads.</summary>
    public void AdvanceClock(long elapsedMicros)
    {
        if (Role == RaftRole.Leader)
        {
            _clock.Advance(elapsedMicros);
        }
    }

    /// <summary>For tests that compare logs.</summary>
    internal RaftLog Log => _log;

    /// <summary>For tests that look at votes; what is on disk may lag behind it.</summary>
    internal HardState HardState => new(Term, _votedFor);

    /// <summary>The present term and vote are on disk: what depends on nothing else may leave at once (rule 5).</summary>
    private bool HardStateIsDurable => _handedHardState == HardState && !_disk.HoldsHardState;

    private void Append(Entry entry)
    {
        _log.Append(entry);
        if (entry.Kind == EntryKind.Configuration)
        {
            _configurations.Append(entry);
            OnConfigurationChanged();
        }
    }

    /// <summary>Cuts off entries that conflict with the leader's. Raft §5.3.</summary>
    private void TruncateAfter(LogIndex index)
    {
        Invariant.Require(index >= CommitIndex, "a committed entry is never cut off");
        _log.TruncateAfter(index);
        _disk.Clamp(index);
        _handedToDisk = LogIndex.Min(_handedToDisk, index);
        if (_configurations.TruncateAfter(index))
        {
            OnConfigurationChanged();
        }
    }

    private void OnConfigurationChanged()
    {
        if (Role != RaftRole.Leader)
        {
            return;
        }
        _progress.Follow(Configuration, _log.LastIndex.Next, _now);
        if (!TransferTarget.IsNone && !Configuration.IsVoter(TransferTarget))
        {
            TransferTarget = MemberId.None;
        }
    }
}
