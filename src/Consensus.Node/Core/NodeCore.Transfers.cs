using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>
/// Hand-overs of leadership (dissertation §3.10) asked for at any member. The leader of exactly one term is asked, once. Whoever asked sees for itself
/// what became of it: a hand-over raises the term.
/// </summary>
public sealed partial class NodeCore
{
    private const int MaxPendingTransfers = 100;

    private readonly List<PendingTransfer> _transfers = [];
    private long _transferSequence;

    private void StartTransfer(TransferInput input)
    {
        var pending = new PendingTransfer(input, ++_transferSequence, _now + _options.RequestTimeoutMicros);
        if (_stopping || _transfers.Count >= MaxPendingTransfers)
        {
            Finish(pending, AnswerKind.NotDone, "", _stopping ? NotDoneReason.NotReady : NotDoneReason.TooManyRequests);
            return;
        }
        _transfers.Add(pending);
        Begin(pending);
        if (pending.Stage != PendingStage.Answered)
        {
            _nextSweep = _now;
        }
    }

    private void ContinueTransfers()
    {
        for (var i = _transfers.Count - 1; i >= 0; i--)
        {
            if (_transfers[i].Stage == PendingStage.Queued)
            {
                Begin(_transfers[i]);
            }
            else
            {
                Watch(_transfers[i]);
            }
        }
    }

    private void Begin(PendingTransfer pending)
    {
        var leader = _raft.Leader;
        if (!leader.IsNone && pending.To == leader)
        {
            Finish(pending, AnswerKind.Done);
        }
        else if (_raft.Role == RaftRole.Leader)
        {
            if (TryHandOver(pending.To) is { } refusal)
            {
                Finish(pending, AnswerKind.NotDone, refusal);
            }
            else
            {
                MarkSent(pending);
            }
        }
        else if (_links.Contains(leader))
        {
            MarkSent(pending);
            _out.Sends.Add((leader, new ForwardTransfer(_raft.Term, _options.Boot, pending.Sequence, pending.To)));
        }
        else if (_now >= pending.DeadlineMicros)
        {
            Finish(pending, AnswerKind.NotDone, "", NotDoneReason.NoLeader);
        }
    }

    private void MarkSent(PendingTransfer pending) =>
        pending.MarkSent(_raft.Leader, _raft.Term, _now + (2 * _options.ElectionTimeoutMicros));

    private void Watch(PendingTransfer pending)
    {
        var leader = _raft.Leader;
        if (_raft.Term > pending.SentIn && !leader.IsNone)
        {
            // The term is over, and with it what its leader was asked for.
            if (pending.To.IsNone ? leader != pending.From : leader == pending.To)
            {
                Finish(pending, AnswerKind.Done);
            }
            else
            {
                var name = _raft.Configuration.Find(leader)?.Name ?? leader.ToString();
                Finish(pending, AnswerKind.NotDone, leader == pending.From ? $"{name} was elected again" : $"{name} was elected instead");
            }
            return;
        }
        // A leader that gave up may have told the target to campaign all the same.
        var gaveUp = _raft.Term == pending.SentIn && _raft.Role == RaftRole.Leader && _raft.TransferTarget.IsNone;
        if (gaveUp || _now >= pending.SentUntilMicros)
        {
            Finish(pending, AnswerKind.Unknown);
        }
    }

    /// <summary>On the leader. Null when the hand-over began. A target that is not there is refused at once: while it was waited for nothing would be written.</summary>
    private string? TryHandOver(MemberId to)
    {
        var configuration = _raft.Configuration;
        if (to.IsNone)
        {
            if (!configuration.Voters.Any(voter => voter != _options.Self))
            {
                return $"{_options.Name} is the only voter, so nobody else can lead";
            }
            if (!configuration.Voters.Any(_links.Contains))
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
        else if (!_links.Contains(to))
        {
            return $"{member.Name} is not reachable from the leader";
        }
        return _raft.TransferLeadership(to) ? null : "leadership cannot be handed over now";
    }

    private void TakeForwarded(MemberId from, ForwardTransfer forward)
    {
        var leads = _raft.Role == RaftRole.Leader && _raft.Term == forward.Term;
        var refusal = leads ? TryHandOver(forward.To) : "";
        if (refusal is not null)
        {
            _out.Sends.Add((from, new TransferRefused(forward.Term, forward.Boot, forward.Sequence, refusal)));
        }
    }

    private void OnTransferRefused(TransferRefused refused)
    {
        if (refused.Boot != _options.Boot)
        {
            return;
        }
        var pending = _transfers.Find(t => t.Sequence == refused.Sequence && t.Stage == PendingStage.Sent && t.SentIn == refused.Term);
        if (pending is null)
        {
            return;
        }
        if (refused.Reason.Length > 0)
        {
            Finish(pending, AnswerKind.NotDone, refused.Reason);
        }
        else
        {
            // It did not lead any more, so nothing was done: the next leader is asked.
            pending.Requeue();
        }
    }

    private void AnswerAllTransfers()
    {
        foreach (var pending in _transfers.ToList())
        {
            var nothingDone = pending.Stage == PendingStage.Queued;
            Finish(pending, nothingDone ? AnswerKind.NotDone : AnswerKind.Unknown, "", nothingDone ? NotDoneReason.NotReady : NotDoneReason.None);
        }
    }

    private void Finish(PendingTransfer pending, AnswerKind kind, string sentence = "", NotDoneReason reason = NotDoneReason.None)
    {
        _transfers.Remove(pending);
        pending.Settle();
        _out.Callbacks.Add(() => pending.Input.Done(new TransferAnswer(kind, sentence, reason)));
    }
}
