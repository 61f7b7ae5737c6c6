using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// A command's way from its arrival to its answer. It is sent to the leader of one named term, and is answered by its entry being applied here, by a refusal, or by its deadline.
/// </summary>
/// <param name="firstInternal">The member's own requests count down from here, far above the front's numbers, so that the two never meet.</param>
internal sealed class CommandDesk(TurnContext turn, long firstInternal) : Desk(turn)
{
    /// <summary>Releases, renewals and acquires are smaller.</summary>
    private const int SmallCommandBytes = 8192;

    private const int ForwardFrameBytes = 8 << 20;

    /// <summary>With this many frames of commands at the leader, what comes is gathered until one of them is settled, or until <see cref="GatherMicros"/> after the last.</summary>
    private const int EagerForwards = 2;
    private const long GatherMicros = 1000;

    private const int MaxGivenUp = 100_000;

    private readonly Dictionary<long, PendingCommand> _pending = [];
    private readonly PendingQueue _queued = new();

    /// <summary>Acquires that were given up without an identity: should one be granted all the same, it is given back.</summary>
    private readonly HashSet<long> _givenUp = [];
    private readonly WireWriter _encoder = new();

    /// <summary>The frames of commands at the leader, each by its last command's sequence; settled ones are forgotten at the next look.</summary>
    private readonly Queue<long> _forwarded = new();
    private long _forwardedAt;
    private long _restsUntil;
    private long _largeBytes;
    private long _waiting;
    private long _nextInternal = firstInternal;

    public override long NextDue => _queued.Count > 0 && Turn.ReachesLeader ? Turn.Soon(_restsUntil) : long.MaxValue;

    public bool IsEmpty => _pending.Count == 0;

    /// <summary>What is not answered yet, in the order in which it came; the member's own commands last.</summary>
    public List<PendingCommand> Pending => [.. _pending.Values.OrderBy(pending => pending.Request.Sequence)];

    public void Accept(PendingCommand pending)
    {
        if (pending.Stage == PendingStage.Answered)
        {
            return;
        }
        pending.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
        if (!pending.IsInternal && !HasRoomFor(pending))
        {
            NotDone(pending, NotDoneReason.TooManyRequests);
            return;
        }
        _pending.Add(pending.Request.Sequence, pending);
        _largeBytes += LargeBytes(pending);
        _queued.Add(pending);
    }

    /// <summary>Has a command of the member's own logged; nobody waits for its answer unless the result is kept.</summary>
    public PendingCommand LogOwn(Command command)
    {
        _encoder.Clear();
        CommandCodec.Write(_encoder, new CommandEnvelope(command));
        var request = new RequestId(Turn.Options.Self, Turn.Options.Boot, _nextInternal--);
        var pending = new PendingCommand(request, _encoder.ToArray(), "") { IsInternal = true };
        Accept(pending);
        return pending;
    }

    public override void LeaderChanged() => _restsUntil = 0;

    public override void Send()
    {
        if (_queued.Count == 0 || Turn.Now < _restsUntil)
        {
            return;
        }
        if (Turn.Leads)
        {
            ProposeQueued();
        }
        else if (Turn.ReachesLeader && !GathersForwards())
        {
            ForwardQueued();
        }
    }

    /// <summary>A frame of commands could not be handed to its link: nothing of it left this member.</summary>
    public void NotSent(ForwardCommands forward)
    {
        foreach (var command in forward.Commands)
        {
            if (_pending.TryGetValue(command.Sequence, out var pending) && pending.Stage == PendingStage.Sent && pending.SentIn == forward.Term)
            {
                Requeue(pending);
            }
        }
    }

    /// <summary>On the leader: commands that another member's clients gave it. Appended ones are answered there, by being applied.</summary>
    public void TakeForwarded(MemberId from, ForwardCommands forward)
    {
        List<long>? refused = null;
        var reason = ForwardRefusal.NotLeader;
        for (var i = 0; i < forward.Commands.Count; i++)
        {
            var command = forward.Commands[i];
            var result = Turn.Leads && Turn.Raft.Term == forward.Term && command.FeatureLevel <= ReplicatedState.SupportedFeatureLevel
                ? Turn.Raft.Propose(
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
            Turn.Send(from, new ForwardRefused(forward.Term, forward.Boot, reason, refused));
        }
        if (refused is null || refused.Count < forward.Commands.Count)
        {
            Turn.Raft.HurryCommit(from);
        }
    }

    public void OnRefused(ForwardRefused refused)
    {
        if (refused.Boot != Turn.Options.Boot)
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
                NotDone(pending, NotDoneReason.TooManyRequests);
            }
            else
            {
                // Asking the same leader again at once would only go round in circles until the new term is heard of.
                _restsUntil = Turn.Now + TurnContext.RefusedPauseMicros;
                Requeue(pending);
            }
        }
    }

    /// <summary>An entry was applied: whoever asked for it is answered, here or, hurried, at another member.</summary>
    public void Resolve(in Resolution resolution)
    {
        if (resolution.Request.Member != Turn.Options.Self)
        {
            if (resolution.Outcome is not LockQueued)
            {
                // That member's client waits for just this, perhaps since long ago (rule 8).
                Turn.Raft.HurryCommit(resolution.Request.Member, Turn.Applied.Index);
            }
            return;
        }
        if (resolution.Request.Boot != Turn.Options.Boot)
        {
            return;
        }
        if (_pending.TryGetValue(resolution.Request.Sequence, out var pending))
        {
            if (resolution.Outcome is LockQueued)
            {
                MarkWaiting(pending);
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
                LogOwn(CancelWaitCommand.Of(hold.Object, resolution.Request, CancelReason.Disconnected));
            }
        }
    }

    public void OnClientGone(PendingCommand pending)
    {
        switch (pending.Stage)
        {
            case PendingStage.Answered:
                break;
            case PendingStage.Queued:
                NotDone(pending, NotDoneReason.Cancelled);
                break;
            default:
                CancelInLog(pending);
                Unknown(pending, NotDoneReason.Cancelled);
                break;
        }
    }

    public override void TermApplied(Term term)
    {
        List<PendingCommand>? found = null;
        foreach (var pending in _pending.Values)
        {
            if (pending.Stage == PendingStage.Sent && pending.SentIn < term)
            {
                (found ??= []).Add(pending);
            }
        }
        found?.Sort(static (a, b) => a.Request.Sequence.CompareTo(b.Request.Sequence));
        found?.ForEach(Requeue);
    }

    public override void SnapshotInstalled(Term lastTerm)
    {
        foreach (var pending in Pending)
        {
            if (pending.Stage == PendingStage.Waiting || (pending.Stage == PendingStage.Sent && pending.SentIn <= lastTerm))
            {
                GiveUp(pending);
            }
        }
    }

    /// <summary>"Not done" only when nothing left this member (rule 19).</summary>
    public override void Sweep()
    {
        List<PendingCommand>? late = null;
        foreach (var pending in _pending.Values)
        {
            if (pending.DeadlineMicros <= Turn.Now)
            {
                (late ??= []).Add(pending);
            }
        }
        foreach (var pending in late ?? [])
        {
            if (pending.Stage == PendingStage.Queued)
            {
                NotDone(pending, NotDoneReason.NoLeader);
            }
            else
            {
                GiveUp(pending);
            }
        }
    }

    public override void AnswerAll()
    {
        foreach (var pending in _pending.Values.ToList())
        {
            if (pending.Stage == PendingStage.Queued)
            {
                NotDone(pending, NotDoneReason.NotReady);
            }
            else
            {
                Unknown(pending, NotDoneReason.None);
            }
        }
    }

    private bool HasRoomFor(PendingCommand pending) =>
        _pending.Count - _waiting < Turn.Options.MaxPendingCommands
        && (LargeBytes(pending) == 0 || _largeBytes + LargeBytes(pending) <= Turn.Options.MaxPendingBytes);

    private static int LargeBytes(PendingCommand pending) => pending.Payload.Length > SmallCommandBytes ? pending.Payload.Length : 0;

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
        return _forwarded.Count >= EagerForwards && Turn.Now < _forwardedAt + GatherMicros;
    }

    private void ProposeQueued()
    {
        PendingCommand? next;
        for (var pending = _queued.First; pending is not null; pending = next)
        {
            next = pending.Behind;
            var result = Turn.Raft.Propose(new Proposal(EntryKind.Command, pending.Request, pending.Payload, pending.Principal), out _, out var term);
            switch (result)
            {
                case ProposeResult.Appended:
                    _queued.Remove(pending);
                    pending.MarkSent(term);
                    break;
                case ProposeResult.Full:
                    NotDone(pending, NotDoneReason.TooManyRequests);
                    break;
                case ProposeResult.NotLeader:
                case ProposeResult.Transferring:
                    break;
                default:
                    Invariant.Unreachable<int>(result);
                    break;
            }
        }
    }

    private void ForwardQueued()
    {
        var commands = new List<ForwardedCommand>(_queued.Count);
        var bytes = 0;
        while (_queued.First is { } pending)
        {
            if (bytes > ForwardFrameBytes)
            {
                Turn.Send(Turn.Raft.Leader, new ForwardCommands(Turn.Raft.Term, Turn.Options.Boot, commands));
                commands = [];
                bytes = 0;
            }
            _queued.Remove(pending);
            pending.MarkSent(Turn.Raft.Term);
            bytes += pending.Payload.Length + 64;
            commands.Add(new ForwardedCommand(pending.Request.Sequence, pending.Principal, 0, pending.Payload));
        }
        Turn.Send(Turn.Raft.Leader, new ForwardCommands(Turn.Raft.Term, Turn.Options.Boot, commands));
        _forwarded.Enqueue(commands[^1].Sequence);
        _forwardedAt = Turn.Now;
    }

    private void Requeue(PendingCommand pending)
    {
        pending.Stage = PendingStage.Queued;
        _queued.Add(pending);
    }

    private void MarkWaiting(PendingCommand pending)
    {
        _queued.Remove(pending);
        _waiting += pending.Stage == PendingStage.Waiting ? 0 : 1;
        pending.Stage = PendingStage.Waiting;
        pending.DeadlineMicros = Turn.Now + pending.WaitMicros + Turn.Options.RequestTimeoutMicros;
    }

    /// <summary>What became of it cannot be told; without an identity nobody could find it again either.</summary>
    private void GiveUp(PendingCommand pending)
    {
        if (!pending.HasIdentity)
        {
            CancelInLog(pending);
        }
        Unknown(pending, NotDoneReason.None);
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
            LogOwn(CancelWaitCommand.Of(name, pending.Request, CancelReason.Disconnected));
        }
    }

    private void RememberGivenUp(long sequence)
    {
        if (_givenUp.Count >= MaxGivenUp)
        {
            _givenUp.Clear();
        }
        _givenUp.Add(sequence);
    }

    private void NotDone(PendingCommand pending, NotDoneReason reason) => Answer(pending, AnswerKind.NotDone, null, reason);

    private void Unknown(PendingCommand pending, NotDoneReason reason) => Answer(pending, AnswerKind.Unknown, null, reason);

    private void Answer(PendingCommand pending, AnswerKind kind, Outcome? outcome, NotDoneReason reason)
    {
        _waiting -= pending.Stage == PendingStage.Waiting ? 1 : 0;
        _largeBytes -= _pending.Remove(pending.Request.Sequence) ? LargeBytes(pending) : 0;
        _queued.Remove(pending);
        Turn.Answer(pending, new CommandAnswer(kind, outcome, reason, pending.Request));
    }
}
