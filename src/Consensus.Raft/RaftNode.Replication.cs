using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Quorum;
using Consensus.Raft.Tracker;

namespace Consensus.Raft;

/// <summary>The leader's side of log replication. Raft §5.3, §5.4.2; pipelined in probe, replicate and snapshot states as in etcd's raft.</summary>
public sealed partial class RaftNode
{
    private long _uncommittedBytes;
    private long _committedAt;

    /// <summary>Appends to the leader's log. On <see cref="ProposeResult.Appended"/> gives the entry's place.</summary>
    public ProposeResult Propose(in Proposal proposal, out LogIndex index, out Term term)
    {
        Invariant.Require(proposal.Kind is EntryKind.Command or EntryKind.Time, "only commands and time entries are proposed");
        (index, term) = (LogIndex.Zero, Term);
        if (Role != RaftRole.Leader)
        {
            return ProposeResult.NotLeader;
        }
        if (!TransferTarget.IsNone)
        {
            return ProposeResult.Transferring;
        }
        if (_uncommittedBytes >= (proposal.IsUrgent ? _options.MaxUncommittedBytes : _options.MaxUncommittedBytes - (_options.MaxUncommittedBytes / 10)))
        {
            return ProposeResult.Full;
        }
        index = AppendAsLeader(proposal);
        return ProposeResult.Appended;
    }

    /// <summary>
    /// On a leader: some follower that works has more of the log before it than it takes in the time that entries may be on their way. A majority goes on without it; but its clients
    /// wait for it, and once it lacks what is forgotten, it needs a snapshot. One that has acknowledged nothing for an election time-out is waited for no longer.
    /// </summary>
    public bool HasLaggard
    {
        get
        {
            foreach (var progress in _progress.All)
            {
                if (progress.State == ProgressState.Replicate
                    && _now - progress.MovedAt < _options.ElectionTimeoutTicks
                    && _log.BytesAfter(progress.Match, _log.LastIndex) > progress.Inflights.LimitBytes)
                {
                    return true;
                }
            }
            return false;
        }
    }

    /// <summary>Sends a follower the commit index at once, because a request forwarded by it waits there (rule 8).</summary>
    /// <remarks>The wish holds until the follower was told of a commit index that covers everything now in the log.</remarks>
    public void HurryCommit(MemberId member)
    {
        if (_progress.Find(member) is { } progress)
        {
            progress.HurryThrough = _log.LastIndex;
        }
    }

    /// <summary>As <see cref="HurryCommit(MemberId)"/>, for what is committed up to <paramref name="through"/>: a request that waited there is settled by it.</summary>
    public void HurryCommit(MemberId member, LogIndex through)
    {
        if (_progress.Find(member) is { } progress)
        {
            progress.HurryThrough = LogIndex.Max(progress.HurryThrough, through);
        }
    }

    /// <summary>The link to a member closed: what was on its way may be lost.</summary>
    public void ReportUnreachable(MemberId member)
    {
        if (_progress.Find(member) is { State: ProgressState.Replicate } progress)
        {
            progress.BecomeProbe(progress.Match.Next, _now);
        }
    }

    /// <summary>
    /// Another process of this member answers than before. What the earlier one asked, nobody takes an answer to; what was on its way to it is lost, and what it
    /// was asked it will not answer. What it made durable and said is its member's, and stands: match index, votes, answered rounds.
    /// </summary>
    public void ReportNewProcess(MemberId member, long boot)
    {
        if (Role == RaftRole.Leader)
        {
            _rounds.ForgetEarlier(member, boot);
            _progress.Find(member)?.ForgetSnapshotFailures();
            ReportUnreachable(member);
        }
        else if (member == Leader)
        {
            RefuseForwardedReads();
        }
    }

    private LogIndex AppendAsLeader(in Proposal proposal)
    {
        var entry = new Entry
        {
            Term = Term,
            Index = _log.LastIndex.Next,
            Kind = proposal.Kind,
            Stamp = _clock.Now,
            Request = proposal.Request,
            Principal = proposal.Principal,
            FeatureLevel = proposal.FeatureLevel,
            Payload = proposal.Payload,
        };
        Append(entry);
        _uncommittedBytes += entry.ApproximateSize;
        return entry.Index;
    }

    /// <summary>
    /// Commits what a quorum holds durably, if it is of this term (Raft §5.4.2, figure 8). The leader's own copy counts only once it is durable, which
    /// may be after the followers' (dissertation §10.2.1).
    /// </summary>
    private void CommitWhatAQuorumHolds()
    {
        var index = new LogIndex(JointQuorum.Reached(Configuration, new Matched(this)));
        if (index <= CommitIndex || !_log.Holds(index, Term))
        {
            return;
        }
        _uncommittedBytes -= _log.BytesAfter(CommitIndex, index);
        CommitIndex = index;
        _committedAt = _now;
        HasCommittedInTerm = true;
        ContinueChange();
    }

    private void OnAppendResponse(AppendResponse response)
    {
        if (_progress.Find(response.From) is not { } progress)
        {
            return;
        }
        progress.Heard(_now);
        progress.Contact.Heard(_ownersMicros);
        AnswerRound(progress, response.ReadRound);
        if (response.Success)
        {
            OnAcknowledged(progress, response.MatchIndex);
        }
        else
        {
            OnConflict(progress, response);
        }
    }

    private void OnAcknowledged(Progress progress, LogIndex match)
    {
        if (match > _log.LastIndex)
        {
            return;
        }
        var advanced = progress.Acknowledge(match, _now);
        switch (progress.State)
        {
            case ProgressState.Probe:
                progress.BecomeReplicate(_now);
                break;
            case ProgressState.Snapshot when progress.Match.Next >= _log.FirstIndex || progress.Match >= progress.PendingSnapshot:
                // When the log was compacted further meanwhile, the next request turns into the next snapshot.
                progress.BecomeReplicate(_now);
                break;
            default:
                break;
        }
        EndCatchUpIfLevel(progress);
        if (advanced)
        {
            CommitWhatAQuorumHolds();
            HandOverIfCaughtUp(progress);
        }
    }

    /// <summary>
    /// The follower's log differs at the index before the request. Its hint lets both logs step over whole terms instead of single entries
    /// (Raft §5.3, end).
    /// </summary>
    private void OnConflict(Progress progress, AppendResponse response)
    {
        switch (progress.State)
        {
            case ProgressState.Replicate when response.MatchIndex > progress.Match:
                progress.BecomeProbe(progress.Match.Next, _now);
                break;
            case ProgressState.Probe when response.MatchIndex == progress.Next.Previous:
                var hint = _log.LastWithTermAtMost(response.HintIndex, response.HintTerm);
                progress.BackOff(hint.Next);
                break;
            default:
                // An answer to a request that is no longer the last word.
                break;
        }
    }

    private void OnHeartbeatResponse(HeartbeatResponse response)
    {
        if (_progress.Find(response.From) is not { } progress)
        {
            return;
        }
        progress.Heard(_now);
        progress.Contact.Heard(_ownersMicros);
        if (response.SentMicros > _pausedUntilMicros)
        {
            progress.Contact.Measured(_ownersMicros - response.SentMicros);
        }
        AnswerRound(progress, response.ReadRound);
        var silence = _now - progress.AdvancedAt;
        if (progress.State == ProgressState.Probe && silence >= _options.HeartbeatIntervalTicks / 2)
        {
            // Read rounds bring such answers much sooner, while the probe's may still wait for a disk.
            progress.ProbeAgain();
        }
        else if (progress.State == ProgressState.Replicate
            && progress.Match.Next < progress.Next
            && silence >= _options.HeartbeatIntervalTicks)
        {
            progress.AsksForGap = true;
        }
    }

    /// <summary>
    /// A commit index that a request to this follower could carry now, and that is hurried or a tick old: the follower's watchers and readers wait for it,
    /// and a heartbeat may be far. Under load the next entries carry it sooner.
    /// </summary>
    private bool IsOwedCommit(Progress progress) =>
        progress.ToldCommit < Tellable(progress) && (progress.ToldCommit < progress.HurryThrough || _committedAt < _now);

    private LogIndex Tellable(Progress progress) => LogIndex.Min(CommitIndex, progress.Next.Previous);

    private bool WantsAppend(Progress progress) => progress.State switch
    {
        ProgressState.Probe => !progress.ProbeSent && progress.PausedUntil <= _now,
        ProgressState.Replicate => HasRoomToSend(progress) || progress.AsksForGap || IsOwedCommit(progress),
        _ => false,
    };

    private bool HasRoomToSend(Progress progress) =>
        progress.Next <= _log.LastIndex && !progress.Inflights.IsFull && (progress.Inflights.Count < _options.EagerAppends || progress.SentAt < _now);

    /// <summary>Entries or a commit index wait for the next tick, should nothing bring them on their way before.</summary>
    private bool OwesTheNextTick()
    {
        foreach (var progress in _progress.All)
        {
            if (progress.State == ProgressState.Replicate
                && ((progress.Next <= _log.LastIndex && !progress.Inflights.IsFull) || progress.ToldCommit < Tellable(progress)))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Sends every follower what it lacks, so that all proposals of a turn go in one request.</summary>
    private void SendAppends()
    {
        foreach (var progress in _progress.All)
        {
            if (!WantsAppend(progress))
            {
                continue;
            }
            if (progress.State == ProgressState.Probe)
            {
                SendAppend(progress, withEntries: !progress.IsProbeRepeated);
                continue;
            }
            var sent = false;
            while (progress.State == ProgressState.Replicate && HasRoomToSend(progress))
            {
                SendAppend(progress, withEntries: true);
                sent = true;
            }
            if (!sent)
            {
                // A commit index that is hurried needs no answer: a lone command on another member would pay for one each time.
                SendAppend(progress, withEntries: false, quiet: !progress.AsksForGap);
            }
            progress.AsksForGap = false;
        }
        _progress.ForgetLeftOut(_now);
    }

    private void SendAppend(Progress progress, bool withEntries, bool quiet = false)
    {
        var previous = progress.Next.Previous;
        if (!_log.TryGetTerm(previous, out var previousTerm))
        {
            SendSnapshot(progress);
            return;
        }
        var last = previous;
        long bytes = 0;
        if (withEntries)
        {
            last = _log.LastWithin(progress.Next, _log.LastIndex, _options.MaxAppendBytes, out bytes);
        }
        _messages.Add(new AppendRequest(
            Self,
            progress.Member,
            Term,
            previous,
            previousTerm,
            _log.Slice(previous.Next, last),
            CommitIndex,
            _clock.Now,
            _rounds.Latest)
        { IsQuiet = quiet });
        if (progress.State == ProgressState.Probe)
        {
            // What a probe tells of the commit index counts for nothing: it may be refused.
            progress.ProbeSent = true;
            progress.AdvancedAt = _now;
            return;
        }
        if (last > previous)
        {
            progress.SentThrough(last, bytes, _now);
        }
        else if (!quiet)
        {
            progress.AdvancedAt = _now;
        }
        progress.ToldCommit = LogIndex.Max(progress.ToldCommit, LogIndex.Min(CommitIndex, last));
    }

    /// <summary>The commit index in it is never above what the follower is known to match, since it carries no consistency check.</summary>
    private void SendHeartbeat(Progress progress)
    {
        var commit = LogIndex.Min(progress.Match, CommitIndex);
        progress.ToldCommit = LogIndex.Max(progress.ToldCommit, commit);
        _messages.Add(new HeartbeatRequest(Self, progress.Member, Term, commit, _clock.Now, _rounds.Latest)
        {
            SentMicros = _ownersMicros,
            RoundTripMicros = progress.Contact.RoundTripMicros ?? 0,
        });
    }

    private readonly struct Matched(RaftNode node) : IReached
    {
        public long Of(MemberId voter) =>
            voter == node.Self ? node._log.DurableIndex.Value : node._progress.Find(voter)?.Match.Value ?? 0;
    }
}
