using Consensus.Node.Core.Desks;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>
/// What a member has logged without being asked: it announces itself, and as the leader it expires, logs time, forgets old history a small stretch at a time so that no write waits
/// for it (rules 9, 28), detaches the waiters of lost members, and forgets removed ones and tokens that ended. While nothing is due nothing is logged.
/// </summary>
internal sealed class HouseKeeping(TurnContext turn, CommandDesk commands)
{
    private const long CompactEveryMicros = 1_000_000;

    /// <summary>A leader that has no room refuses at once: an announcement is tried again no sooner than this.</summary>
    private const long AnnounceEveryMicros = 200_000;

    /// <summary>A shorter time without a leader ends no lease: it is not worth an entry.</summary>
    private const long WorthTellingMicros = 100_000;

    /// <summary>Whom the leader has not heard for long, and what it has logged of that: once for each time that a member is lost.</summary>
    private readonly Dictionary<MemberId, List<Detachment>> _detached = [];
    private PendingCommand? _expire;
    private PendingCommand? _announce;
    private PendingCommand? _compaction;
    private PendingCommand? _forget;
    private PendingCommand? _noted;
    private PendingCommand? _tokens;

    /// <summary>What this leader has to tell of the time before it.</summary>
    private NoteLeaderlessCommand? _leaderless;

    /// <summary>Loop time at which a leader was heard last, or this member was one; before there was any, that of the first turn.</summary>
    private long? _ledAt;
    private bool _announced;
    private bool _moreToCompact;
    private long _nextCompaction;
    private long _noExpiryBefore;
    private long _noTimeBefore;
    private long _noAnnouncementBefore;
    private long _noNoteBefore;

    /// <summary>The commit that something waits for brings a turn with it.</summary>
    public long NextDue
    {
        get
        {
            if (!turn.Leads || !turn.Raft.HasCommittedInTerm || !State.HasDeadlines)
            {
                return long.MaxValue;
            }
            var expiry = IsUnderWay(_expire)
                ? long.MaxValue
                : Math.Max(_noExpiryBefore, turn.Now + Math.Max(1000, State.NextDeadline - turn.Raft.Clock));
            var time = Math.Max(_noTimeBefore, turn.Now + Math.Max(1000, turn.Options.TimeEntryMicros - (turn.Raft.Clock - turn.Raft.LastStamp)));
            return Math.Min(expiry, time);
        }
    }

    private ReplicatedState State => turn.Applied.State;

    /// <summary>Somebody was heard. Of who is no member nothing is kept: whoever has the cluster's token may come under one id after another.</summary>
    public void Heard(MemberId member)
    {
        if (turn.Raft.Configuration.Find(member) is null)
        {
            return;
        }
        turn.Links.Heard(member, turn.Now);
        _detached.Remove(member);
        if (member == turn.Raft.Leader)
        {
            _ledAt = turn.Now;
        }
    }

    /// <summary>Renewals that were held up for so long go before any expiry (rule 3).</summary>
    public void HoldExpiry(long micros) => _noExpiryBefore = Math.Max(_noExpiryBefore, turn.Now + micros);

    /// <summary>This member leads from now on.</summary>
    public void BecameLeader()
    {
        HoldExpiry(turn.Options.Raft.HeartbeatIntervalTicks * 1000L);
        var micros = turn.Now - (_ledAt ?? turn.Now);
        _leaderless = micros >= WorthTellingMicros ? new NoteLeaderlessCommand(turn.Raft.Clock, micros) : null;
        _noted = null;
        _detached.Clear();
        foreach (var member in turn.Raft.Configuration.Members)
        {
            turn.Links.Heard(member.Id, turn.Now);
        }
    }

    /// <summary>In every turn.</summary>
    /// <param name="moreIsWaiting">Inputs wait for the next turn, and a renewal may be among them.</param>
    public void Keep(bool moreIsWaiting)
    {
        if (turn.Leads || _ledAt is null)
        {
            _ledAt = turn.Now;
        }
        if (turn.Raft.Leader.IsNone)
        {
            return;
        }
        Announce();
        if (turn.Leads && turn.Raft.HasCommittedInTerm)
        {
            LogTimeWhenIdle();
            if (!turn.HasBacklog)
            {
                TellOfTheTimeWithoutLeader();
                ExpireWhatIsDue(moreIsWaiting);
                CompactWhatIsDue();
            }
        }
    }

    /// <summary>Now and then.</summary>
    public void Sweep()
    {
        if (turn.Leads)
        {
            DetachTheLost();
            ForgetTheRemoved();
        }
    }

    /// <summary>
    /// The time of day, by this machine's clock. What ended by it is forgotten: nothing is judged by such a clock in the state itself.
    /// </summary>
    public void TellTime(long unixSeconds)
    {
        if (turn.Leads && turn.Raft.HasCommittedInTerm && !turn.HasBacklog && !IsUnderWay(_tokens) && State.HasTokensToForget(unixSeconds))
        {
            _tokens = commands.LogOwn(new ForgetTokensCommand(unixSeconds));
        }
    }

    private static bool IsUnderWay(PendingCommand? own) => own is { Stage: not PendingStage.Answered };

    private static bool IsDone(PendingCommand? own) => own is { Stage: PendingStage.Answered, Answer.Kind: AnswerKind.Done };

    private void Announce()
    {
        if (!_announced && !IsUnderWay(_announce) && !IsDone(_announce) && !turn.IsStopping && turn.Now >= _noAnnouncementBefore)
        {
            _noAnnouncementBefore = turn.Now + AnnounceEveryMicros;
            _announce = commands.LogOwn(new AnnounceMemberCommand(
                turn.Options.Self,
                turn.Options.Name,
                turn.Options.Boot,
                turn.Options.ClientUrl,
                turn.Options.PeerAddress,
                turn.Options.Version,
                ReplicatedState.SupportedFeatureLevel)
            {
                Settings = InitialSettings.Of(turn.Options),
                FirstAdmin = turn.Options.FirstAdmin,
            });
        }
        if (!_announced && IsDone(_announce))
        {
            _announced = true;
            if (InitialSettings.Notice(turn.Options, State.Limits) is { } notice)
            {
                turn.Out.Notices.Add(notice);
            }
        }
    }

    /// <summary>Before anything expires: who loses something is told of it with that. Where nothing can expire nobody asks.</summary>
    private void TellOfTheTimeWithoutLeader()
    {
        if (_leaderless is null || IsUnderWay(_noted) || turn.Now < _noNoteBefore)
        {
            return;
        }
        if (IsDone(_noted) || !State.HasDeadlines)
        {
            (_leaderless, _noted) = (null, null);
            return;
        }
        _noNoteBefore = turn.Now + TurnContext.RefusedPauseMicros;
        _noted = commands.LogOwn(_leaderless);
    }

    private void ExpireWhatIsDue(bool moreIsWaiting)
    {
        if (_expire is { Stage: PendingStage.Answered, Answer.Kind: not AnswerKind.Done })
        {
            // There was no room for it. Asking in every turn would make none.
            _expire = null;
            HoldExpiry(TurnContext.RefusedPauseMicros);
        }
        if (!IsUnderWay(_expire) && !moreIsWaiting && turn.Now >= _noExpiryBefore && State.NextDeadline <= turn.Raft.Clock)
        {
            _expire = commands.LogOwn(new ExpireCommand());
        }
    }

    private void LogTimeWhenIdle()
    {
        if (State.HasDeadlines && turn.Now >= _noTimeBefore && turn.Raft.Clock - turn.Raft.LastStamp >= turn.Options.TimeEntryMicros
            && turn.Raft.Propose(new Proposal(EntryKind.Time, RequestId.None, ReadOnlyMemory<byte>.Empty), out _, out _) != ProposeResult.Appended)
        {
            _noTimeBefore = turn.Now + TurnContext.RefusedPauseMicros;
        }
    }

    private void CompactWhatIsDue()
    {
        var goesOn = _moreToCompact && IsDone(_compaction);
        if (IsUnderWay(_compaction) || (turn.Now < _nextCompaction && !goesOn))
        {
            return;
        }
        _nextCompaction = turn.Now + CompactEveryMicros;
        if (State.CompactionDue(turn.Raft.Clock, out _moreToCompact) is { } upTo)
        {
            _compaction = commands.LogOwn(new CompactCommand(upTo));
        }
    }

    private void DetachTheLost()
    {
        if (turn.HasBacklog)
        {
            return;
        }
        foreach (var member in turn.Raft.Configuration.Members)
        {
            if (member.Id == turn.Options.Self
                || !turn.Links.IsSilent(member.Id, turn.Options.DetachAfterMicros, turn.Now))
            {
                continue;
            }
            if (_detached.TryGetValue(member.Id, out var logged))
            {
                // One that was refused because too much waited is logged when there is room, or its waiters would keep their places for ever.
                logged.ForEach(detachment => detachment.LogUnlessDone(commands));
                continue;
            }
            _detached.Add(member.Id, logged = []);
            commands.Proposer.GiveBack(member.Id, except: null);
            var announced = 0L;
            foreach (var known in State.ListMembers())
            {
                if (known.Id == member.Id)
                {
                    announced = known.Boot;
                    logged.Add(new Detachment(known.Id, known.Boot));
                }
            }
            if (turn.Links.BootOf(member.Id) is var last && last != 0 && last != announced)
            {
                // It was lost before its announcement was logged, and may have forwarded requests all the same.
                logged.Add(new Detachment(member.Id, last));
            }
            logged.ForEach(detachment => detachment.LogUnlessDone(commands));
        }
    }

    /// <summary>What a removed member left in the replicated state goes too: waiters that nobody would ever answer, and its address.</summary>
    private void ForgetTheRemoved()
    {
        if (!turn.Raft.HasCommittedInTerm || IsUnderWay(_forget) || turn.Applied.Configuration.Removed.IsEmpty)
        {
            return;
        }
        foreach (var known in State.ListMembers())
        {
            if (turn.Applied.Configuration.Removed.Contains(known.Id))
            {
                _forget = commands.LogOwn(new ForgetMemberCommand(known.Id));
                return;
            }
        }
    }

    /// <summary>The waiters of one process lose it. Those that are more than one entry may touch go with expiries, whoever leads.</summary>
    private sealed class Detachment(MemberId member, long boot)
    {
        private PendingCommand? _own;

        public void LogUnlessDone(CommandDesk commands)
        {
            if (!IsUnderWay(_own) && !IsDone(_own))
            {
                _own = commands.LogOwn(new DetachWaitersCommand(member, boot));
            }
        }
    }
}
