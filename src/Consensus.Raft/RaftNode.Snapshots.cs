using Consensus.Primitives;
using Consensus.Raft.Tracker;

namespace Consensus.Raft;

/// <summary>Log compaction and snapshots for followers that lag behind it. Raft §7.</summary>
public sealed partial class RaftNode
{
    /// <summary>Election timeouts after which a snapshot that was sent, but not acknowledged, is taken for lost.</summary>
    private const int SnapshotAcknowledgeTimeouts = 5;

    private SnapshotMark? _pendingSnapshot;
    private readonly List<MemberId> _catchUpsGivenUp = [];

    /// <summary>Transfers are numbered for as long as the process lives; with the term, which only one process ever leads, a number names one.</summary>
    private long _lastTransfer;

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
        TrimLog();
    }

    /// <summary>A follower was offered a snapshot and is not level yet: the next snapshot can wait, for the log would be kept for that follower all the same.</summary>
    public bool IsAnyCatchingUp
    {
        get
        {
            foreach (var progress in _progress.All)
            {
                if (progress.Offered is not null)
                {
                    return true;
                }
            }
            return false;
        }
    }

    /// <summary>The oldest snapshot that may still have to be sent. Older ones are of no use to anybody.</summary>
    public SnapshotMark? OldestSnapshotInUse
    {
        get
        {
            var oldest = _mark;
            foreach (var progress in _progress.All)
            {
                if (progress.Offered is { } offered && offered.LastIndex < oldest?.LastIndex)
                {
                    oldest = offered;
                }
            }
            return oldest;
        }
    }

    /// <summary>Followers for which the log was kept until it had grown past its bound. Gives each once.</summary>
    public IReadOnlyList<MemberId> TakeCatchUpsGivenUp() => Take(_catchUpsGivenUp);

    /// <summary>Entries are gone from memory that no snapshot holds: a follower that lacks them, perhaps one that a majority needs, gets them by the next snapshot only.</summary>
    public bool HasForgottenPastSnapshot => _log.FirstIndex.Previous > (_mark?.LastIndex ?? LogIndex.Zero);

    /// <summary>What the newest snapshot covers is kept only as far as followers need it.</summary>
    private void TrimLog()
    {
        if (_mark is not null)
        {
            ForgetBefore(_mark.LastIndex);
        }
    }

    /// <summary>
    /// Keeps the log in memory within its bound when snapshots do not come soon enough, because the state is large or the disk is full, or while a follower catches up. A member that
    /// starts again reads the log from its disk, and a follower that lacks what is forgotten gets the next snapshot.
    /// </summary>
    private void BoundLog()
    {
        if (_log.Bytes <= _options.MaxLogBytes)
        {
            return;
        }
        foreach (var progress in _progress.All)
        {
            if (progress.Offered is not null)
            {
                progress.EndCatchUp();
                _catchUpsGivenUp.Add(progress.Member);
            }
        }
        ForgetBefore(LogIndex.Min(_handedToApply, _log.DurableIndex));
    }

    /// <summary>But for what trails it, for followers that lag a little, and what comes after the snapshot of one that catches up.</summary>
    private void ForgetBefore(LogIndex mark)
    {
        var through = _log.CompactionPoint(mark, _options.TrailingEntries, _options.TrailingBytes);
        foreach (var progress in _progress.All)
        {
            if (progress.Offered is not null)
            {
                through = LogIndex.Min(through, progress.NeedsAfter);
            }
        }
        _log.CompactThrough(through);
        _configurations.CompactThrough(through);
    }

    /// <summary>Level is who would not need another snapshot if one of the whole log were taken now.</summary>
    private void EndCatchUpIfLevel(Progress progress)
    {
        if (progress.Offered is not null
            && progress.State == ProgressState.Replicate
            && _log.LastIndex - progress.Match <= _options.TrailingEntries
            && progress.Match.Next >= _log.FirstIndex
            && _log.BytesAfter(progress.Match, _log.LastIndex) <= _options.TrailingBytes)
        {
            progress.EndCatchUp();
            TrimLog();
        }
    }

    /// <summary>Nobody keeps a log for a follower that is gone: it catches up from the start when it is back.</summary>
    private void EndCatchUpIfLost(Progress progress)
    {
        if (progress.Offered is not null && _now - progress.HeardAt > (long)SnapshotAcknowledgeTimeouts * _options.ElectionTimeoutTicks)
        {
            progress.EndCatchUp();
            TrimLog();
        }
    }

    /// <summary>
    /// The sending of a snapshot to a follower ended. One that failed may have arrived all the same, or have been refused because the follower has all of it: only a
    /// probe right after it finds that out, where the same snapshot would be refused for ever. A follower without it answers the probe with a conflict, and is sent one again.
    /// </summary>
    /// <param name="sent">What asked for it: how an earlier one ended, of another term or another mark, says nothing of the one that is under way now.</param>
    public void ReportSnapshotSent(InstallSnapshotRequest sent, SnapshotReport report)
    {
        if (sent.Term != Term
            || _progress.Find(sent.To) is not { State: ProgressState.Snapshot } progress
            || progress.PendingSnapshot != sent.Mark.LastIndex
            || progress.Transfer != sent.Transfer)
        {
            return;
        }
        if (report == SnapshotReport.Taken)
        {
            progress.SnapshotSent(_now + ((long)SnapshotAcknowledgeTimeouts * _options.ElectionTimeoutTicks));
            return;
        }
        progress.SnapshotFailed(_now + PauseAfter(report, progress.SnapshotFailures));
        if (report == SnapshotReport.Unusable)
        {
            progress.EndCatchUp();
        }
        progress.BecomeProbe(progress.PendingSnapshot.Next, _now + _options.HeartbeatIntervalTicks);
    }

    /// <summary>What broke goes on soon. What was refused is refused again until somebody or time has changed something, so it is asked less and less often.</summary>
    private long PauseAfter(SnapshotReport report, int failures)
    {
        var (first, longest) = report == SnapshotReport.Broken
            ? (_options.HeartbeatIntervalTicks, Math.Min(_options.SnapshotPauseTicks, _options.LongestSnapshotPauseTicks))
            : (_options.SnapshotPauseTicks, _options.LongestSnapshotPauseTicks);
        return Math.Min((long)first << Math.Min(failures, 20), longest);
    }

    private void SendSnapshot(Progress progress)
    {
        if (_mark is null || _mark.LastIndex < _log.FirstIndex.Previous || _now < progress.NoSnapshotBefore)
        {
            // Nothing to send yet, or it was refused lately: asked again at its next heartbeat.
            progress.BecomeProbe(progress.Next, _now);
            progress.ProbeSent = true;
            return;
        }
        if (progress.Offered is null || !_log.TryGetTerm(progress.Offered.LastIndex, out _))
        {
            progress.Offer(_mark, ++_lastTransfer);
        }
        var offered = progress.Offered!;
        progress.BecomeSnapshot(offered.LastIndex);
        _messages.Add(new InstallSnapshotRequest(Self, progress.Member, Term, offered, _clock.Now) { Transfer = progress.Transfer });
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
