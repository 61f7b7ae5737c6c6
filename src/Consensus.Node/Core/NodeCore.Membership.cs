using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.Raft.Wire;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>
/// Membership changes, from whoever asked to the leader and back, and what a member does when the configuration changes. The way of a change is that of
/// a command: it is sent to the leader of one named term, and is answered by its entries being applied here, by a refusal, or by its deadline.
/// </summary>
public sealed partial class NodeCore
{
    private const int MaxPendingChanges = 100;

    private readonly Dictionary<long, PendingChange> _changes = [];
    private readonly Dictionary<MemberId, long> _keptUntil = [];
    private Configuration? _followed;
    private PendingCommand? _forget;
    private long _changesRestUntil;

    /// <summary>The term in which this leader tried to hand over before removing itself: it tries once.</summary>
    private Term _handedOverIn;

    private void Accept(PendingChange pending)
    {
        pending.DeadlineMicros = _now + _options.RequestTimeoutMicros;
        if (_changes.Count >= MaxPendingChanges)
        {
            Answer(pending, AnswerKind.NotDone, default, NotDoneReason.TooManyRequests);
            return;
        }
        _changes.Add(pending.Request.Sequence, pending);
    }

    private void SendChanges()
    {
        if (_changes.Count == 0 || _now < _changesRestUntil)
        {
            return;
        }
        foreach (var pending in _changes.Values.Where(c => c.Stage == PendingStage.Queued).OrderBy(c => c.Request.Sequence).ToList())
        {
            if (_raft.Role == RaftRole.Leader)
            {
                var answer = Propose(pending.Change, pending.Request, pending.Principal);
                if (answer.Verdict == ChangeVerdict.Appended)
                {
                    MarkSent(pending);
                }
                else
                {
                    OnRefused(pending, answer);
                }
            }
            else if (!_raft.Leader.IsNone && _links.Contains(_raft.Leader))
            {
                MarkSent(pending);
                _out.Sends.Add((_raft.Leader, new ForwardChange(_raft.Term, pending.Request.Boot, pending.Request.Sequence, pending.Principal, pending.Change)));
            }
        }
    }

    private void MarkSent(PendingChange pending)
    {
        pending.Stage = PendingStage.Sent;
        pending.SentIn = _raft.Term;
    }

    /// <summary>A leader that would leave hands over first, if it can: then nobody notices more than a transfer.</summary>
    private ChangeAnswer Propose(MembershipChange change, RequestId request, string principal)
    {
        var leaves = change is RemoveMember { Member: var removed } ? removed : change is PromoteMember promote ? promote.Replaces : MemberId.None;
        if (leaves == _options.Self
            && _handedOverIn != _raft.Term
            && _raft.JudgeChange(change).Verdict == ChangeVerdict.Appended
            && _raft.TransferLeadership(MemberId.None))
        {
            _handedOverIn = _raft.Term;
            return new ChangeAnswer(ChangeVerdict.Transferring);
        }
        return _raft.ProposeChange(change, request, principal, out _, out _);
    }

    private void TakeForwarded(MemberId from, ForwardChange forward)
    {
        var answer = _raft.Role == RaftRole.Leader && _raft.Term == forward.Term
            ? Propose(forward.Change, new RequestId(from, forward.Boot, forward.Sequence), forward.Principal)
            : new ChangeAnswer(ChangeVerdict.NotLeader);
        if (answer.Verdict == ChangeVerdict.Appended)
        {
            _raft.HurryCommit(from);
        }
        else
        {
            _out.Sends.Add((from, new ChangeRefused(forward.Term, forward.Boot, forward.Sequence, answer)));
        }
    }

    private void OnChangeRefused(ChangeRefused refused)
    {
        if (refused.Boot == _options.Boot
            && _changes.TryGetValue(refused.Sequence, out var pending)
            && pending.Stage == PendingStage.Sent
            && pending.SentIn == refused.Term)
        {
            pending.Stage = PendingStage.Queued;
            OnRefused(pending, refused.Answer);
        }
    }

    private void OnRefused(PendingChange pending, in ChangeAnswer answer)
    {
        if (answer.IsNotNow)
        {
            // Asked again soon, at whoever leads then, until its deadline.
            _changesRestUntil = _now + RefusedPauseMicros;
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

    /// <summary>As commands: once an entry of a later term is applied, a change of the earlier term that was not never will be.</summary>
    private void RequeueChangesOlderThan(Term term)
    {
        foreach (var pending in _changes.Values)
        {
            if (pending.Stage == PendingStage.Sent && pending.SentIn < term)
            {
                pending.Stage = PendingStage.Queued;
            }
        }
    }

    private void OnConfigurationApplied(Entry entry)
    {
        _appliedConfiguration = RaftCodec.ReadConfiguration(entry.Payload.Span);
        _statusIsStale = true;
        if (entry.Request.Member == _options.Self)
        {
            if (entry.Request.Boot == _options.Boot && _changes.TryGetValue(entry.Request.Sequence, out var pending))
            {
                if (_appliedConfiguration.IsJoint)
                {
                    // From here the change can only go forward: it is never asked for again, whoever leads.
                    pending.Stage = PendingStage.Waiting;
                }
                else
                {
                    Answer(pending, AnswerKind.Done, new ChangeAnswer(ChangeVerdict.Appended), NotDoneReason.None);
                }
            }
        }
        else if (!entry.Request.IsNone)
        {
            _raft.HurryCommit(entry.Request.Member, entry.Index);
        }
        NoticeRemoval();
    }

    private void NoticeRemoval()
    {
        if (_appliedConfiguration.IsJoint || _appliedConfiguration.Removed.IsEmpty)
        {
            return;
        }
        _out.RemovedMembers = _appliedConfiguration.Removed;
        _out.IsRemoved |= _appliedConfiguration.Removed.Contains(_options.Self);
    }

    /// <summary>Links follow the configuration in force without waiting for the next sweep: a new member cannot catch up before.</summary>
    private void FollowConfiguration()
    {
        if (_followed is null)
        {
            _followed = _raft.Configuration;
            NoticeRemoval();
        }
        if (!ReferenceEquals(_followed, _raft.Configuration))
        {
            _followed = _raft.Configuration;
            _membersAreStale = true;
            RefreshPeers();
        }
    }

    /// <summary>A link to a member that left stays for a while, so that it still hears that it did.</summary>
    private void KeepForAWhile(List<PeerEndpoint> peers)
    {
        var wanted = peers.ConvertAll(p => p.Member);
        foreach (var peer in _peers)
        {
            if (wanted.Contains(peer.Member))
            {
                _keptUntil.Remove(peer.Member);
                continue;
            }
            if (!_keptUntil.TryGetValue(peer.Member, out var until))
            {
                until = _now + (2 * _options.ElectionTimeoutMicros);
                _keptUntil.Add(peer.Member, until);
            }
            if (_now < until)
            {
                peers.Add(peer);
            }
            else
            {
                _keptUntil.Remove(peer.Member);
            }
        }
    }

    /// <summary>What a removed member left in the replicated state goes too: waiters that nobody would ever answer, and its address.</summary>
    private void ForgetTheRemoved()
    {
        if (_raft.Role != RaftRole.Leader || !_raft.HasCommittedInTerm || _forget is { Stage: not PendingStage.Answered } || _appliedConfiguration.Removed.IsEmpty)
        {
            return;
        }
        foreach (var known in _state.ListMembers())
        {
            if (_appliedConfiguration.Removed.Contains(known.Id))
            {
                _forget = Internal(new ForgetMemberCommand(known.Id));
                return;
            }
        }
    }

    private void Answer(PendingChange pending, AnswerKind kind, in ChangeAnswer answer, NotDoneReason reason)
    {
        _changes.Remove(pending.Request.Sequence);
        pending.Settle(new MembershipAnswer(kind, answer.Verdict, answer.Reason ?? "", reason));
        _out.AnsweredChanges.Add(pending);
    }

    private void SweepChanges()
    {
        foreach (var pending in _changes.Values.Where(c => c.DeadlineMicros <= _now).ToList())
        {
            Abandon(pending, NotDoneReason.NoLeader);
        }
    }

    private void AnswerAllChanges()
    {
        foreach (var pending in _changes.Values.ToList())
        {
            Abandon(pending, NotDoneReason.NotReady);
        }
    }

    /// <summary>The entries inside a snapshot were not applied here one by one.</summary>
    private void AnswerChangesThatTheSnapshotHid(Term lastTerm)
    {
        foreach (var pending in _changes.Values.Where(c => c.Stage == PendingStage.Waiting || (c.Stage == PendingStage.Sent && c.SentIn <= lastTerm)).ToList())
        {
            Abandon(pending, NotDoneReason.None);
        }
    }

    /// <summary>"Not done" is said only when nothing left this member, or the leader said so (rule 19).</summary>
    private void Abandon(PendingChange pending, NotDoneReason reason)
    {
        var nothingDone = pending.Stage == PendingStage.Queued;
        Answer(pending, nothingDone ? AnswerKind.NotDone : AnswerKind.Unknown, default, nothingDone ? reason : NotDoneReason.None);
    }

    private long NextChangeDue()
    {
        var canBeSent = _raft.Role == RaftRole.Leader || _links.Contains(_raft.Leader);
        foreach (var pending in _changes.Values)
        {
            if (canBeSent && pending.Stage == PendingStage.Queued)
            {
                return Math.Max(_changesRestUntil, _now + 1000);
            }
        }
        return long.MaxValue;
    }
}
