using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Core;

/// <summary>
/// A command's way from its arrival to its answer. It is sent to the leader of one named term. Log terms never fall along the log, so once
/// an entry of a later term is applied, a command of the earlier term that was not applied never will be: it had no effect,
/// and goes back into the queue for the new leader (rule 19).
/// </summary>
public sealed partial class NodeCore
{
    /// <summary>Releases, renewals and acquires are smaller.</summary>
    private const int SmallCommandBytes = 8192;

    private const int ForwardFrameBytes = 8 << 20;
    private const long RefusedPauseMicros = 20_000;

    /// <summary>With this many frames of commands at the leader, what comes is gathered until one of them is settled, or until <see cref="GatherMicros"/> after the last.</summary>
    private const int EagerForwards = 2;
    private const long GatherMicros = 1000;

    private readonly Dictionary<long, PendingCommand> _pending = [];
    private long _largePendingBytes;
    private readonly List<PendingCommand> _queued = [];
    private readonly PeerLinks _links = new();

    /// <summary>Acquires that were given up without an identity: should one be granted all the same, it is given back.</summary>
    private readonly HashSet<long> _givenUp = [];
    private readonly WireWriter _encoder = new();

    /// <summary>The frames of commands at the leader, each by its last command's sequence; settled ones are forgotten at the next look.</summary>
    private readonly Queue<long> _forwarded = new();
    private long _forwardedAt;
    private long _queueRestsUntil;
    private long _waiting;

    private void Accept(PendingCommand pending)
    {
        if (pending.Stage == PendingStage.Answered)
        {
            return;
        }
        pending.DeadlineMicros = _now + _options.RequestTimeoutMicros;
        if (!pending.IsInternal && !HasRoomFor(pending))
        {
            Answer(pending, AnswerKind.NotDone, null, NotDoneReason.TooManyRequests);
            return;
        }
        _pending.Add(pending.Request.Sequence, pending);
        _largePendingBytes += LargeBytes(pending);
        _queued.Add(pending);
    }

    private bool HasRoomFor(PendingCommand pending) =>
        _pending.Count - _waiting < _options.MaxPendingCommands
        && (LargeBytes(pending) == 0 || _largePendingBytes + LargeBytes(pending) <= _options.MaxPendingBytes);

    private static int LargeBytes(PendingCommand pending) => pending.Payload.Length > SmallCommandBytes ? pending.Payload.Length : 0;

    private void SendQueued()
    {
        if (_queued.Count == 0 || _now < _queueRestsUntil)
        {
            return;
        }
        if (_raft.Role == RaftRole.Leader)
        {
            ProposeQueued();
        }
        else if (!_raft.Leader.IsNone && _links.Contains(_raft.Leader) && !GathersForwards())
        {
            ForwardQueued();
        }
    }

    /// <summary>
    /// One client's command leaves at once. Of many, each in a frame of its own would cost more than its command, here and at the leader, and would come
    /// no sooner to the disk, which is busy with those before.
    /// </summary>
    private bool GathersForwards()
    {
        while (_forwarded.TryPeek(out var last) && !(_pending.TryGetValue(last, out var pending) && pending.Stage == PendingStage.Sent))
        {
            _forwarded.Dequeue();
        }
        return _forwarded.Count >= EagerForwards && _now < _forwardedAt + GatherMicros;
    }

    private void ProposeQueued()
    {
        var kept = 0;
        for (var i = 0; i < _queued.Count; i++)
        {
            var pending = _queued[i];
            if (pending.Stage != PendingStage.Queued)
            {
                continue;
            }
            var result = _raft.Propose(new Proposal(EntryKind.Command, pending.Request, pending.Payload, pending.Principal), out _, out var term);
            switch (result)
            {
                case ProposeResult.Appended:
                    pending.Stage = PendingStage.Sent;
                    pending.SentIn = term;
                    break;
                case ProposeResult.Full:
                    Answer(pending, AnswerKind.NotDone, null, NotDoneReason.TooManyRequests);
                    break;
                case ProposeResult.NotLeader:
                case ProposeResult.Transferring:
                    _queued[kept++] = pending;
                    break;
                default:
                    Invariant.Unreachable<int>(result);
                    break;
            }
        }
        _queued.RemoveRange(kept, _queued.Count - kept);
    }

    private void ForwardQueued()
    {
        var commands = new List<ForwardedCommand>(_queued.Count);
        var bytes = 0;
        foreach (var pending in _queued)
        {
            if (pending.Stage != PendingStage.Queued)
            {
                continue;
            }
            if (bytes > ForwardFrameBytes)
            {
                _out.Sends.Add((_raft.Leader, new ForwardCommands(_raft.Term, _options.Boot, commands)));
                commands = [];
                bytes = 0;
            }
            pending.Stage = PendingStage.Sent;
            pending.SentIn = _raft.Term;
            bytes += pending.Payload.Length + 64;
            commands.Add(new ForwardedCommand(pending.Request.Sequence, pending.Principal, 0, pending.Payload));
        }
        _queued.Clear();
        if (commands.Count > 0)
        {
            _out.Sends.Add((_raft.Leader, new ForwardCommands(_raft.Term, _options.Boot, commands)));
            _forwarded.Enqueue(commands[^1].Sequence);
            _forwardedAt = _now;
        }
    }

    /// <summary>Commands that another member's clients gave it. Appended ones are answered there, by being applied.</summary>
    private void TakeForwarded(MemberId from, ForwardCommands forward)
    {
        List<long>? refused = null;
        var reason = ForwardRefusal.NotLeader;
        for (var i = 0; i < forward.Commands.Count; i++)
        {
            var command = forward.Commands[i];
            var result = _raft.Role == RaftRole.Leader && _raft.Term == forward.Term && command.FeatureLevel <= ReplicatedState.SupportedFeatureLevel
                ? _raft.Propose(
                    new Proposal(
                        EntryKind.Command,
                        new RequestId(from, forward.Boot, command.Sequence),
                        command.Payload,
                        command.Principal,
                        command.FeatureLevel),
                    out _,
                    out _)
                : ProposeResult.NotLeader;
            if (result != ProposeResult.Appended)
            {
                reason = result switch
                {
                    ProposeResult.Full => ForwardRefusal.Full,
                    ProposeResult.Transferring => ForwardRefusal.Transferring,
                    _ => ForwardRefusal.NotLeader,
                };
                (refused ??= []).Add(command.Sequence);
            }
        }
        if (refused is not null)
        {
            _out.Sends.Add((from, new ForwardRefused(forward.Term, forward.Boot, reason, refused)));
        }
        if (refused is null || refused.Count < forward.Commands.Count)
        {
            _raft.HurryCommit(from);
        }
    }

    private void OnForwardRefused(ForwardRefused refused)
    {
        if (refused.Boot != _options.Boot)
        {
            // Of what the process before had sent. Ours of that number may be in the log already.
            return;
        }
        foreach (var sequence in refused.Sequences)
        {
            if (!_pending.TryGetValue(sequence, out var pending) || pending.Stage != PendingStage.Sent || pending.SentIn != refused.Term)
            {
                continue;
            }
            if (refused.Reason == ForwardRefusal.Full)
            {
                Answer(pending, AnswerKind.NotDone, null, NotDoneReason.TooManyRequests);
            }
            else
            {
                // Asking the same leader again at once would only go round in circles until the new term is heard of.
                _queueRestsUntil = _now + RefusedPauseMicros;
                Requeue(pending);
            }
        }
    }

    private void Requeue(PendingCommand pending)
    {
        pending.Stage = PendingStage.Queued;
        _queued.Add(pending);
    }

    private void RequeueOlderThan(Term term)
    {
        List<PendingCommand>? found = null;
        foreach (var pending in _pending.Values)
        {
            if (pending.Stage == PendingStage.Sent && pending.SentIn < term)
            {
                (found ??= []).Add(pending);
            }
        }
        if (found is null)
        {
            return;
        }
        found.Sort(static (a, b) => a.Request.Sequence.CompareTo(b.Request.Sequence));
        foreach (var pending in found)
        {
            Requeue(pending);
        }
    }

    private void Resolve(in Resolution resolution)
    {
        if (resolution.Request.Member != _options.Self)
        {
            if (resolution.Outcome is not LockQueued)
            {
                // That member's client waits for just this, perhaps since long ago (rule 8).
                _raft.HurryCommit(resolution.Request.Member, _state.AppliedIndex);
            }
            return;
        }
        if (resolution.Request.Boot != _options.Boot)
        {
            return;
        }
        if (_pending.TryGetValue(resolution.Request.Sequence, out var pending))
        {
            if (resolution.Outcome is LockQueued)
            {
                if (pending.Stage != PendingStage.Waiting)
                {
                    _waiting++;
                }
                pending.Stage = PendingStage.Waiting;
                pending.DeadlineMicros = _now + pending.WaitMicros + _options.RequestTimeoutMicros;
            }
            else
            {
                Answer(pending, AnswerKind.Done, resolution.Outcome, NotDoneReason.None);
            }
        }
        else if (resolution.Outcome is LockGranted or ManyGranted && _givenUp.Remove(resolution.Request.Sequence))
        {
            foreach (var hold in resolution.Outcome is ManyGranted many ? many.Holds : [((LockGranted)resolution.Outcome).Hold])
            {
                Internal(CancelWaitCommand.Of(hold.Object, resolution.Request, CancelReason.Disconnected));
            }
        }
    }

    private void OnClientGone(PendingCommand pending)
    {
        switch (pending.Stage)
        {
            case PendingStage.Answered:
                break;
            case PendingStage.Queued:
                Answer(pending, AnswerKind.NotDone, null, NotDoneReason.Cancelled);
                break;
            default:
                CancelInLog(pending);
                Answer(pending, AnswerKind.Unknown, null, NotDoneReason.Cancelled);
                break;
        }
    }

    /// <summary>A lock request that is given up may hold or get a place or the lock itself: the log settles it (rule 18).</summary>
    private void CancelInLog(PendingCommand pending)
    {
        if (pending.Asked.IsEmpty)
        {
            return;
        }
        if (!pending.HasIdentity)
        {
            RememberGivenUp(pending.Request.Sequence);
        }
        foreach (var name in pending.Asked)
        {
            Internal(CancelWaitCommand.Of(name, pending.Request, CancelReason.Disconnected));
        }
    }

    private void RememberGivenUp(long sequence)
    {
        if (_givenUp.Count >= 100_000)
        {
            _givenUp.Clear();
        }
        _givenUp.Add(sequence);
    }

    /// <summary>Has a command of the node's own logged; nobody waits for its answer unless the result is kept.</summary>
    private PendingCommand Internal(Command command)
    {
        _encoder.Clear();
        CommandCodec.Write(_encoder, new CommandEnvelope(command));
        var pending = new PendingCommand(NextInternalRequest(), _encoder.ToArray(), "") { IsInternal = true };
        Accept(pending);
        return pending;
    }

    /// <summary>Internal requests count down from far above the front's numbers, so that the two never meet.</summary>
    private RequestId NextInternalRequest() => new(_options.Self, _options.Boot, _nextInternal--);

    private long _nextInternal;

    private void Answer(PendingCommand pending, AnswerKind kind, Outcome? outcome, NotDoneReason reason)
    {
        if (pending.Stage == PendingStage.Waiting)
        {
            _waiting--;
        }
        _largePendingBytes -= _pending.Remove(pending.Request.Sequence) ? LargeBytes(pending) : 0;
        pending.Settle(kind, outcome, reason);
        _out.Answered.Add(pending);
    }

    /// <summary>Answers what reached its deadline: "not done" only when nothing left this member (rule 19).</summary>
    private void SweepCommands()
    {
        List<PendingCommand>? late = null;
        foreach (var pending in _pending.Values)
        {
            if (pending.DeadlineMicros <= _now)
            {
                (late ??= []).Add(pending);
            }
        }
        foreach (var pending in late ?? [])
        {
            if (pending.Stage == PendingStage.Queued)
            {
                _queued.Remove(pending);
                Answer(pending, AnswerKind.NotDone, null, NotDoneReason.NoLeader);
            }
            else
            {
                if (!pending.HasIdentity)
                {
                    CancelInLog(pending);
                }
                Answer(pending, AnswerKind.Unknown, null, NotDoneReason.None);
            }
        }
    }
}
