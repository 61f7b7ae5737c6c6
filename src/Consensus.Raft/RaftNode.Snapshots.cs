using Consensus.Primitives;
using Consensus.Raft.Tracker;

namespace Consensus.Raft;

/// <summary>Log compaction and snapshots for followers that lag behind it. Raft §7.</summary>
public sealed partial class RaftNode
{
    /// <summary>Election timeouts after which a snapshot that was sent, but not acknowledged, is taken for lost.</summary>
    private const int SnapshotAcknowledgeTimeouts = 5;

    private SnapshotMark? _pendingSnapshot;

    /// <summary>This member's state machine has a durable snapshot at this mark; the log before it may be dropped.</summary>
    public void SnapshotTaken(SnapshotMark mark)
    {
        Invariant.Require(mark.LastIndex <= _handedToApply, "a snapshot holds only what was handed out as committed");
        if (_mark is not null && mark.LastIndex <= _mark.LastIndex)
        {
            return;
        }
        Invariant.Require(
            mark.LastIndex < _log.FirstIndex.Previous || _log.Holds(mark.LastIndex, mark.LastTerm), "a snapshot's mark names an entry of the log");
        _mark = mark;
        ForgetBefore(mark.LastIndex);
    }

    /// <summary>
    /// Keeps the log in memory within its bound when snapshots do not come soon enough, because the state is large or the disk is full. A member that starts again reads the log from
    /// its disk, and a follower that lacks what is forgotten gets the next snapshot.
    /// </summary>
    private void BoundLog()
    {
        if (_log.Bytes > _options.MaxLogBytes)
        {
            ForgetBefore(LogIndex.Min(_handedToApply, _log.DurableIndex));
        }
    }

    /// <summary>But for what trails it.</summary>
    private void ForgetBefore(LogIndex mark)
    {
        var through = _log.CompactionPoint(mark, _options.TrailingEntries, _options.TrailingBytes);
        _log.CompactThrough(through);
        _configurations.CompactThrough(through);
    }

    /// <summary>
    /// The sending of a snapshot to a follower ended. One that failed may have arrived all the same, or have been refused because the follower has all of it: only a
    /// probe right after it finds that out, where the same snapshot would be refused for ever. A follower without it answers the probe with a conflict, and is sent one again.
    /// </summary>
    /// <param name="sent">What asked for it: how an earlier one ended, of another term or another mark, says nothing of the one that is under way now.</param>
    public void ReportSnapshotSent(InstallSnapshotRequest sent, bool success)
    {
        if (sent.Term != Term
            || _progress.Find(sent.To) is not { State: ProgressState.Snapshot } progress
            || progress.PendingSnapshot != sent.Mark.LastIndex)
        {
            return;
        }
        if (success)
        {
            progress.SnapshotSent(_now + ((long)SnapshotAcknowledgeTimeouts * _options.ElectionTimeoutTicks));
        }
        else
        {
            progress.BecomeProbe(progress.PendingSnapshot.Next, _now + _options.HeartbeatIntervalTicks);
        }
    }

    private void SendSnapshot(Progress progress)
    {
        if (_mark is null || _mark.LastIndex < _log.FirstIndex.Previous)
        {
            // Nothing to send yet: asked again at its next heartbeat.
            progress.BecomeProbe(progress.Next, _now);
            progress.ProbeSent = true;
            return;
        }
        progress.BecomeSnapshot(_mark.LastIndex);
        _messages.Add(new InstallSnapshotRequest(Self, progress.Member, Term, _mark, _clock.Now));
    }

    /// <summary>The acknowledgement may have been lost: a probe right after the snapshot finds out whether it is there.</summary>
    private void GiveUpLateSnapshot(Progress progress)
    {
        if (progress.State == ProgressState.Snapshot && progress.SnapshotDeadline <= _now)
        {
            progress.BecomeProbe(progress.PendingSnapshot.Next, _now);
        }
    }

    private void OnInstallSnapshotRequest(InstallSnapshotRequest request)
    {
        HearLeader(request.From);
        _clock.Observe(request.Term, request.Clock);
        var mark = request.Mark;
        if (mark.LastIndex > CommitIndex)
        {
            if (!_log.Holds(mark.LastIndex, mark.LastTerm))
            {
                ReplaceLog(mark);
            }
            CommitIndex = mark.LastIndex;
        }
        Acknowledge(request.From, CommitIndex, readRound: 0);
    }

    private void ReplaceLog(SnapshotMark mark)
    {
        _disk.Clamp(CommitIndex);
        _log.Reset(mark, CommitIndex);
        _configurations.Reset(mark.Configuration);
        _mark = mark;
        _pendingSnapshot = mark;
        _handedToDisk = mark.LastIndex;
        _handedToApply = mark.LastIndex;
    }
}
