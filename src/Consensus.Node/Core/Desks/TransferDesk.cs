using Consensus.Node.Peers;
using Consensus.Primitives;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// Hand-overs of leadership (dissertation §3.10) asked for at any member. The leader of exactly one term is asked, once. Whoever asked sees for itself what became of it: a
/// hand-over raises the term.
/// </summary>
/// <param name="firstSequence">Numbers of this process's hand-overs count up from here.</param>
internal sealed class TransferDesk(TurnContext turn, long firstSequence) : Desk(turn)
{
    private const int MaxPending = 100;

    private readonly List<PendingTransfer> _pending = [];
    private long _sequence = firstSequence;

    /// <summary>Whoever asked waits for an operator's command to end.</summary>
    public override bool IsHurried => _pending.Count > 0;

    public void Accept(PendingTransfer pending)
    {
        pending.Sequence = ++_sequence;
        pending.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
        if (Turn.IsStopping || _pending.Count >= MaxPending)
        {
            Answer(pending, AnswerKind.NotDone, "", Turn.IsStopping ? NotDoneReason.NotReady : NotDoneReason.TooManyRequests);
            return;
        }
        _pending.Add(pending);
        Begin(pending);
        if (pending.Stage != PendingStage.Answered)
        {
            Turn.NextSweep = Turn.Now;
        }
    }

    /// <summary>On the leader: another member was asked.</summary>
    public void TakeForwarded(MemberId from, ForwardTransfer forward)
    {
        var leads = Turn.Leads && Turn.Raft.Term == forward.Term;
        var refusal = leads ? TryHandOver(forward.To) : "";
        if (refusal is not null)
        {
            Turn.Send(from, new TransferRefused(forward.Term, forward.Boot, forward.Sequence, refusal));
        }
    }

    public void OnRefused(TransferRefused refused)
    {
        if (refused.Boot != Turn.Options.Boot)
        {
            return;
        }
        var pending = _pending.Find(t => t.Sequence == refused.Sequence && t.Stage == PendingStage.Sent && t.SentIn == refused.Term);
        if (pending is null)
        {
            return;
        }
        if (refused.Reason.Length > 0)
        {
            Answer(pending, AnswerKind.NotDone, refused.Reason);
        }
        else
        {
            // It did not lead any more, so nothing was done: the next leader is asked.
            pending.Stage = PendingStage.Queued;
        }
    }

    /// <summary>It also sends: a hand-over that was refused is asked for again every few milliseconds and not in every turn.</summary>
    public override void Sweep()
    {
        for (var i = _pending.Count - 1; i >= 0; i--)
        {
            if (_pending[i].Stage == PendingStage.Queued)
            {
                Begin(_pending[i]);
            }
            else
            {
                Watch(_pending[i]);
            }
        }
    }

    public override void AnswerAll()
    {
        foreach (var pending in _pending.ToList())
        {
            var nothingDone = pending.Stage == PendingStage.Queued;
            Answer(pending, nothingDone ? AnswerKind.NotDone : AnswerKind.Unknown, "", nothingDone ? NotDoneReason.NotReady : NotDoneReason.None);
        }
    }

    private void Begin(PendingTransfer pending)
    {
        var leader = Turn.Raft.Leader;
        if (!leader.IsNone && pending.To == leader)
        {
            Answer(pending, AnswerKind.Done);
        }
        else if (Turn.Leads)
        {
            if (TryHandOver(pending.To) is { } refusal)
            {
                Answer(pending, AnswerKind.NotDone, refusal);
            }
            else
            {
                MarkSent(pending);
            }
        }
        else if (Turn.Links.Contains(leader))
        {
            MarkSent(pending);
            Turn.Send(leader, new ForwardTransfer(Turn.Raft.Term, Turn.Options.Boot, pending.Sequence, pending.To));
        }
        else if (Turn.Now >= pending.DeadlineMicros)
        {
            Answer(pending, AnswerKind.NotDone, "", NotDoneReason.NoLeader);
        }
    }

    private void MarkSent(PendingTransfer pending)
    {
        pending.MarkSent(Turn.Raft.Term);
        pending.From = Turn.Raft.Leader;
        pending.SentUntilMicros = Turn.Now + (2 * Turn.Options.ElectionTimeoutMicros);
    }

    private void Watch(PendingTransfer pending)
    {
        var leader = Turn.Raft.Leader;
        if (Turn.Raft.Term > pending.SentIn && !leader.IsNone)
        {
            // The term is over, and with it what its leader was asked for.
            if (pending.To.IsNone ? leader != pending.From : leader == pending.To)
            {
                Answer(pending, AnswerKind.Done);
            }
            else
            {
                var name = Turn.Raft.Configuration.Find(leader)?.Name ?? leader.ToString();
                Answer(pending, AnswerKind.NotDone, leader == pending.From ? $"{name} was elected again" : $"{name} was elected instead");
            }
            return;
        }
        // A leader that gave up may have told the target to campaign all the same.
        var gaveUp = Turn.Raft.Term == pending.SentIn && Turn.Leads && Turn.Raft.TransferTarget.IsNone;
        if (gaveUp || Turn.Now >= pending.SentUntilMicros)
        {
            Answer(pending, AnswerKind.Unknown);
        }
    }

    /// <summary>On the leader. Null when the hand-over began. A target that is not there is refused at once: while it was waited for nothing would be written.</summary>
    private string? TryHandOver(MemberId to)
    {
        var configuration = Turn.Raft.Configuration;
        if (to.IsNone)
        {
            if (!configuration.Voters.Any(voter => voter != Turn.Options.Self))
            {
                return $"{Turn.Options.Name} is the only voter, so nobody else can lead";
            }
            if (!configuration.Voters.Any(Turn.Links.Contains))
            {
                return "no other voter is reachable";
            }
        }
        else if (configuration.Find(to) is not { } member)
        {
            return $"no member has the id {to}";
        }
        else if (!configuration.IsVoter(to))
        {
            return $"{member.Name} is a learner, and only a voter can lead";
        }
        else if (!Turn.Links.Contains(to))
        {
            return $"{member.Name} is not reachable from the leader";
        }
        return Turn.Raft.TransferLeadership(to) ? null : "leadership cannot be handed over now";
    }

    private void Answer(PendingTransfer pending, AnswerKind kind, string sentence = "", NotDoneReason reason = NotDoneReason.None)
    {
        _pending.Remove(pending);
        Turn.Answer(pending, new TransferAnswer(kind, sentence, reason));
    }
}
