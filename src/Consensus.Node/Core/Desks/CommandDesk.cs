using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// A command's way from its arrival to its answer. It is sent to the leader of one named term, and is answered by its entry being applied here, by a refusal, or by its deadline.
/// </summary>
internal sealed class CommandDesk : Desk
{
    /// <summary>What waits for room goes on when something is committed or applied; this is for the case that nothing is.</summary>
    private const long GatedMicros = 20_000;

    /// <summary>About 10 MB.</summary>
    private const int MaxGivenUp = 100_000;

    private readonly Dictionary<long, PendingCommand> _pending = [];
    private readonly CommandLanes _queued = new();
    private readonly Proposer _proposer;
    private readonly ByteBudget _bytes;
    private readonly Forwarder _forwarder;

    /// <summary>Acquires that were given up without an identity: should one be granted all the same, it is given back.</summary>
    private readonly GivenUpRequests _givenUp = new(MaxGivenUp);
    private readonly WireWriter _encoder = new();

    private long _restsUntil;
    private long _waiting;
    private long _nextInternal;

    /// <param name="firstInternal">The member's own requests count down from here, far above the front's numbers, so that the two never meet.</param>
    public CommandDesk(TurnContext turn, long firstInternal)
        : base(turn)
    {
        _nextInternal = firstInternal;
        _proposer = new Proposer(turn, _queued, pending => NotDone(pending, NotDoneReason.TooManyRequests));
        _bytes = new ByteBudget(turn.Options.MaxPendingBytes);
        _forwarder = new Forwarder(turn, _queued);
    }

    public override long NextDue => _queued.Count == 0 || !Turn.ReachesLeader ? long.MaxValue
        : !IsGated ? Turn.Soon(_restsUntil)
        // What this turn applied may have made room.
        : _forwarder.IsGated && _forwarder.HasRoom ? Math.Max(Turn.Now, _restsUntil)
        : Turn.Now + GatedMicros;

    /// <summary>What this member's own clients asked for and is not answered or applied yet.</summary>
    public ByteBudget Bytes => _bytes;

    public Proposer Proposer => _proposer;

    public Forwarder Forwarder => _forwarder;

    /// <summary>What waits does so for room behind others, not for a leader.</summary>
    private bool IsGated => Turn.Leads ? _proposer.IsGated : _forwarder.IsGated;

    /// <summary>How many commands wait to be sent, other members' among them.</summary>
    public int Queued => _queued.Count;

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
        if (MayNotBegin(pending))
        {
            NotDone(pending, NotDoneReason.NotReady);
            return;
        }
        if (!TryHold(pending))
        {
            NotDone(pending, NotDoneReason.TooManyRequests);
            return;
        }
        _pending.Add(pending.Request.Sequence, pending);
        _queued.Add(pending);
    }

    /// <summary>Has a command of the member's own logged; nobody waits for its answer unless the result is kept.</summary>
    public PendingCommand LogOwn(Command command) => LogOwn(command, null);

    /// <summary>The lane in which what ends a request goes. One that is not applied yet must not be overtaken by its own end: then nothing would take it out of the line.</summary>
    /// <returns>Null: that of such commands.</returns>
    public static CommandLane? LaneOfEnd(PendingCommand pending) => pending.Stage == PendingStage.Waiting ? null : pending.Lane;

    /// <summary>The process stops: what is queued still is not done, if it may wait in a line. True when it is queued.</summary>
    public bool RefuseWhileStopping(PendingCommand pending)
    {
        if (pending.Stage != PendingStage.Queued)
        {
            return false;
        }
        if (MayNotBegin(pending))
        {
            NotDone(pending, NotDoneReason.NotReady);
        }
        return true;
    }

    /// <summary>Has the end of requests logged.</summary>
    /// <param name="lane">See <see cref="LaneOfEnd"/>.</param>
    public PendingCommand LogEnd(Command command, CommandLane? lane) => LogOwn(command, lane);

    /// <param name="lane">Null: that of such commands.</param>
    private PendingCommand LogOwn(Command command, CommandLane? lane)
    {
        _encoder.Clear();
        CommandCodec.Write(_encoder, new CommandEnvelope(command));
        var request = new RequestId(Turn.Options.Self, Turn.Options.Boot, _nextInternal--);
        var pending = new PendingCommand(request, _encoder.ToArray(), "", lane ?? PendingCommand.LaneOf(command, _encoder.Length)) { IsInternal = true };
        Accept(pending);
        return pending;
    }

    public override void LeaderChanged()
    {
        _restsUntil = 0;
        _forwarder.WayChanged();
        _proposer.LeaderChanged();
    }

    /// <summary>What was sent over a link that closed is at the leader or lost, and on its way no more: what waited for it goes on over the next one.</summary>
    public override void LinkChanged(MemberId peer)
    {
        if (peer != Turn.Raft.Leader)
        {
            return;
        }
        _forwarder.WayChanged();
        foreach (var pending in _pending.Values)
        {
            _forwarder.Settled(pending);
        }
    }

    public override void Send()
    {
        if (_queued.Count == 0 || Turn.Now < _restsUntil)
        {
            return;
        }
        if (Turn.Leads)
        {
            _proposer.Propose();
        }
        else if (Turn.ReachesLeader)
        {
            _forwarder.Forward();
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
    public void TakeForwarded(MemberId from, ForwardCommands forward) => _proposer.TakeForwarded(from, forward);

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

    public override void AfterApply() => _proposer.NoticeSettled();

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
                // With a leader it waited for room behind others.
                NotDone(pending, Turn.ReachesLeader && IsGated ? NotDoneReason.TooManyRequests : NotDoneReason.NoLeader);
            }
            else
            {
                GiveUp(pending);
            }
        }
        _proposer.Sweep();
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

    /// <summary>A place in a line that it took now would keep the stop from ending, or outlive it.</summary>
    private bool MayNotBegin(PendingCommand pending) => Turn.IsStopping && pending.WaitMicros > 0;

    /// <summary>What the member logs on its own account is bounded by what it is for.</summary>
    private bool TryHold(PendingCommand pending)
    {
        if (pending.IsInternal)
        {
            _bytes.Hold(pending.Bytes);
            return true;
        }
        var isUrgent = pending.Lane == CommandLane.Urgent;
        var most = isUrgent ? Turn.Options.MaxPendingCommands : Turn.Options.MaxPendingCommands - (Turn.Options.MaxPendingCommands / 10);
        return _pending.Count - _waiting < most && _bytes.TryHold(pending.Bytes, isUrgent);
    }

    private void Requeue(PendingCommand pending)
    {
        _forwarder.Settled(pending);
        pending.Stage = PendingStage.Queued;
        if (MayNotBegin(pending))
        {
            NotDone(pending, NotDoneReason.NotReady);
            return;
        }
        _queued.Add(pending);
    }

    private void MarkWaiting(PendingCommand pending)
    {
        _queued.Remove(pending);
        _forwarder.Settled(pending);
        if (pending.Stage != PendingStage.Waiting)
        {
            _waiting++;
            _bytes.LetGo(pending.Bytes);
            pending.ForgetPayload();
            _bytes.Hold(pending.Bytes);
        }
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
            _givenUp.Add(pending.Request.Sequence);
        }
        foreach (var name in pending.Asked)
        {
            LogEnd(CancelWaitCommand.Of(name, pending.Request, CancelReason.Disconnected), LaneOfEnd(pending));
        }
    }

    private void NotDone(PendingCommand pending, NotDoneReason reason) => Answer(pending, AnswerKind.NotDone, null, reason);

    private void Unknown(PendingCommand pending, NotDoneReason reason) => Answer(pending, AnswerKind.Unknown, null, reason);

    private void Answer(PendingCommand pending, AnswerKind kind, Outcome? outcome, NotDoneReason reason)
    {
        _waiting -= pending.Stage == PendingStage.Waiting ? 1 : 0;
        if (_pending.Remove(pending.Request.Sequence))
        {
            _bytes.LetGo(pending.Bytes);
            _forwarder.Settled(pending);
        }
        _queued.Remove(pending);
        Turn.Answer(pending, new CommandAnswer(kind, outcome, reason, pending.Request));
    }
}
