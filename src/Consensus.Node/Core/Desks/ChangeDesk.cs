using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// Membership changes, from whoever asked to the leader and back. The way of a change is that of a command: it is sent to the leader of one named term, and is answered by its entries
/// being applied here, by a refusal, or by its deadline.
/// </summary>
internal sealed class ChangeDesk(TurnContext turn) : Desk(turn)
{
    private const int MaxPending = 100;

    private readonly Dictionary<long, PendingChange> _pending = [];
    private long _restsUntil;

    /// <summary>The term in which this leader tried to hand over before removing itself: it tries once.</summary>
    private Term _handedOverIn;

    public override long NextDue
    {
        get
        {
            foreach (var pending in _pending.Values)
            {
                if (pending.Stage == PendingStage.Queued && Turn.ReachesLeader)
                {
                    return Turn.Soon(_restsUntil);
                }
            }
            return long.MaxValue;
        }
    }

    public void Accept(PendingChange pending)
    {
        pending.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
        if (_pending.Count >= MaxPending)
        {
            Answer(pending, AnswerKind.NotDone, default, NotDoneReason.TooManyRequests);
            return;
        }
        _pending.Add(pending.Request.Sequence, pending);
    }

    public override void Send()
    {
        if (_pending.Count == 0 || Turn.Now < _restsUntil)
        {
            return;
        }
        foreach (var pending in _pending.Values.Where(c => c.Stage == PendingStage.Queued).OrderBy(c => c.Request.Sequence).ToList())
        {
            if (Turn.Leads)
            {
                var answer = Propose(pending.Change, pending.Request);
                if (answer.Verdict == ChangeVerdict.Appended)
                {
                    pending.MarkSent(Turn.Raft.Term);
                }
                else
                {
                    OnRefused(pending, answer);
                }
            }
            else if (Turn.ReachesLeader)
            {
                pending.MarkSent(Turn.Raft.Term);
                Turn.Send(
                    Turn.Raft.Leader,
                    new ForwardChange(Turn.Raft.Term, pending.Request.Boot, pending.Request.Sequence, pending.Change));
            }
        }
    }

    /// <summary>On the leader: another member was asked.</summary>
    public void TakeForwarded(MemberId from, ForwardChange forward)
    {
        var answer = Turn.Leads && Turn.Raft.Term == forward.Term
            ? Propose(forward.Change, new RequestId(from, forward.Boot, forward.Sequence))
            : new ChangeAnswer(ChangeVerdict.NotLeader);
        if (answer.Verdict == ChangeVerdict.Appended)
        {
            Turn.Raft.HurryCommit(from);
        }
        else
        {
            Turn.Send(from, new ChangeRefused(forward.Term, forward.Boot, forward.Sequence, answer));
        }
    }

    public void OnRefused(ChangeRefused refused)
    {
        if (refused.Boot == Turn.Options.Boot
            && _pending.TryGetValue(refused.Sequence, out var pending)
            && pending.Stage == PendingStage.Sent
            && pending.SentIn == refused.Term)
        {
            pending.Stage = PendingStage.Queued;
            OnRefused(pending, refused.Answer);
        }
    }

    /// <summary>A configuration was applied here, and is <see cref="AppliedState.Configuration"/> now.</summary>
    public void OnApplied(Entry entry)
    {
        if (entry.Request.Member != Turn.Options.Self)
        {
            if (!entry.Request.IsNone)
            {
                Turn.Raft.HurryCommit(entry.Request.Member, entry.Index);
            }
            return;
        }
        if (entry.Request.Boot != Turn.Options.Boot || !_pending.TryGetValue(entry.Request.Sequence, out var pending))
        {
            return;
        }
        if (Turn.Applied.Configuration.IsJoint)
        {
            // From here the change can only go forward: it is never asked for again, whoever leads.
            pending.Stage = PendingStage.Waiting;
        }
        else
        {
            Answer(pending, AnswerKind.Done, new ChangeAnswer(ChangeVerdict.Appended), NotDoneReason.None);
        }
    }

    public override void TermApplied(Term term)
    {
        foreach (var pending in _pending.Values)
        {
            if (pending.Stage == PendingStage.Sent && pending.SentIn < term)
            {
                pending.Stage = PendingStage.Queued;
            }
        }
    }

    public override void SnapshotInstalled(Term lastTerm)
    {
        foreach (var pending in _pending.Values.Where(c => c.Stage == PendingStage.Waiting || (c.Stage == PendingStage.Sent && c.SentIn <= lastTerm)).ToList())
        {
            Abandon(pending, NotDoneReason.None);
        }
    }

    public override void Sweep()
    {
        foreach (var pending in _pending.Values.Where(c => c.DeadlineMicros <= Turn.Now).ToList())
        {
            Abandon(pending, NotDoneReason.NoLeader);
        }
    }

    public override void AnswerAll()
    {
        foreach (var pending in _pending.Values.ToList())
        {
            Abandon(pending, NotDoneReason.NotReady);
        }
    }

    /// <summary>A leader that would leave hands over first, if it can: then nobody notices more than a transfer.</summary>
    private ChangeAnswer Propose(MembershipChange change, RequestId request)
    {
        var leaves = change is RemoveMember { Member: var removed } ? removed : change is PromoteMember promote ? promote.Replaces : MemberId.None;
        if (leaves == Turn.Options.Self
            && _handedOverIn != Turn.Raft.Term
            && Turn.Raft.JudgeChange(change).Verdict == ChangeVerdict.Appended
            && Turn.Raft.TransferLeadership(MemberId.None))
        {
            _handedOverIn = Turn.Raft.Term;
            return new ChangeAnswer(ChangeVerdict.Transferring);
        }
        return Turn.Raft.ProposeChange(change, request, out _, out _);
    }

    private void OnRefused(PendingChange pending, in ChangeAnswer answer)
    {
        if (answer.IsNotNow)
        {
            // Asked again soon, at whoever leads then, until its deadline.
            _restsUntil = Turn.Now + TurnContext.RefusedPauseMicros;
        }
        else if (answer.Verdict == ChangeVerdict.AlreadySo)
        {
            Answer(pending, AnswerKind.Done, answer, NotDoneReason.None);
        }
        else
        {
            Answer(pending, AnswerKind.NotDone, answer, answer.Verdict == ChangeVerdict.Full ? NotDoneReason.TooManyRequests : NotDoneReason.None);
        }
    }

    /// <summary>"Not done" is said only when nothing left this member, or the leader said so (rule 19).</summary>
    private void Abandon(PendingChange pending, NotDoneReason reason)
    {
        var nothingDone = pending.Stage == PendingStage.Queued;
        Answer(pending, nothingDone ? AnswerKind.NotDone : AnswerKind.Unknown, default, nothingDone ? reason : NotDoneReason.None);
    }

    private void Answer(PendingChange pending, AnswerKind kind, in ChangeAnswer answer, NotDoneReason reason)
    {
        _pending.Remove(pending.Request.Sequence);
        Turn.MembersAreStale = true;
        Turn.Answer(pending, new MembershipAnswer(kind, answer.Verdict, answer.Reason ?? "", reason));
    }
}
