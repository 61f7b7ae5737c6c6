using System.Diagnostics.CodeAnalysis;
using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft;

/// <summary>Output, and the way back from the disk (rule 5).</summary>
public sealed partial class RaftNode
{
    private readonly List<Message> _messages = [];
    private readonly List<Message> _afterPersist = [];
    private readonly List<ReadState> _reads = [];
    private LogIndex _handedToDisk;
    private LogIndex _handedToApply;

    /// <summary>There is output of any kind.</summary>
    public bool HasReady => HasOutput || HasCommitted;

    /// <summary>Committed entries wait to be handed out, and to be applied.</summary>
    public bool HasCommitted => _handedToApply < Applicable;

    /// <summary>There is output besides committed entries.</summary>
    public bool HasOutput =>
        _messages.Count > 0
        || _afterPersist.Count > 0
        || _reads.Count > 0
        || _pendingSnapshot is not null
        || _handedHardState != HardState
        || _handedToDisk < _log.LastIndex
        || (Role == RaftRole.Leader && LeaderHasOutput());

    /// <summary>
    /// Hands over gathered output and forgets it. Of much that is to be persisted it is a part, and there is more output then: what may be said only when all of it is durable goes with the last part.
    /// </summary>
    /// <param name="withCommitted">False: committed entries stay for <see cref="TryTakeCommitted"/>.</param>
    public Ready TakeReady(bool withCommitted = true)
    {
        if (Role == RaftRole.Leader)
        {
            Invariant.Require(HardStateIsDurable, "a leader's term and vote are durable");
            if (CanStartRound)
            {
                StartRound();
            }
            SendAppends();
        }
        HardState? hardState = _handedHardState == HardState ? null : HardState;
        var last = _log.LastWithin(_handedToDisk.Next, _log.LastIndex, _options.MaxPersistBytes, out _);
        var entries = _log.Slice(_handedToDisk.Next, last);
        var snapshot = _pendingSnapshot;
        _handedHardState = HardState;
        _handedToDisk = last;
        _pendingSnapshot = null;
        var mustPersist = hardState is not null || entries.Count > 0 || snapshot is not null;
        return new Ready
        {
            Sequence = mustPersist ? _disk.Add(last, hardState is not null, _now) : 0,
            HardState = hardState,
            Entries = entries,
            Snapshot = snapshot,
            Messages = Take(_messages),
            MessagesAfterPersist = last == _log.LastIndex ? Take(_afterPersist) : [],
            Committed = withCommitted ? TakeCommitted() : [],
            CommitIndex = LogIndex.Min(CommitIndex, last),
            Reads = Take(_reads),
        };
    }

    /// <summary>
    /// The next committed entry, for an owner that applies one at a time and stops when it has done enough. Not before what <see cref="TakeReady"/> hands over: a snapshot
    /// replaces what comes before it.
    /// </summary>
    public bool TryTakeCommitted([NotNullWhen(true)] out Entry? entry)
    {
        if (!HasCommitted)
        {
            entry = null;
            return false;
        }
        Invariant.Require(_pendingSnapshot is null, "a snapshot is installed before anything after it is applied");
        _handedToApply = _handedToApply.Next;
        entry = _log[_handedToApply];
        return true;
    }

    /// <summary>The Readys up to this sequence are durable.</summary>
    public void Persisted(long sequence)
    {
        _log.AdvanceDurable(_disk.Complete(sequence, _now));
        BoundLog();
        _waitsForDisk &= !_disk.IsEmpty;
        CountOwnVoteIfDurable();
        if (Role == RaftRole.Leader)
        {
            CommitWhatAQuorumHolds();
        }
    }

    /// <summary>Committed, and durable here: a member applies nothing that it could forget.</summary>
    private LogIndex Applicable => SettledIndex;

    private IReadOnlyList<Entry> TakeCommitted()
    {
        if (!HasCommitted)
        {
            return [];
        }
        var first = _handedToApply.Next;
        _handedToApply = _log.LastWithin(first, Applicable, _options.MaxCommittedBytes, out _);
        return _log.Slice(first, _handedToApply);
    }

    private bool LeaderHasOutput()
    {
        if (CanStartRound)
        {
            return true;
        }
        foreach (var progress in _progress.All)
        {
            if (WantsAppend(progress))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>For what depends on the present term and vote and on nothing else.</summary>
    private void SendWhenDurable(Message message) => (HardStateIsDurable ? _messages : _afterPersist).Add(message);

    private static T[] Take<T>(List<T> gathered)
    {
        if (gathered.Count == 0)
        {
            return [];
        }
        T[] taken = [.. gathered];
        gathered.Clear();
        return taken;
    }
}
