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
/// A command's way from its arrival to its answer. It is sent to the leader of one named term, and is answered by its entry being applied here, by a refusal, or by its deadline. What
/// is on that way stands in a <see cref="CommandTable"/>; what has to be logged after it, when nobody waits for it any more, is <see cref="RequestEnds"/>'s.
/// </summary>
internal sealed class CommandDesk : Desk
{
    /// <summary>What waits for room goes on when something is committed or applied; this is for the case that nothing is.</summary>
    private const long GatedMicros = 20_000;

    private readonly CommandTable _table;
    private readonly CommandLanes _queued = new();
    private readonly Proposer _proposer;
    private readonly Forwarder _forwarder;
    private readonly Company _company;
    private readonly WireWriter _encoder = new();

    private long _restsUntil;

    /// <summary>In this turn what is queued was left to wait for company.</summary>
    private bool _awaitsCompany;
    private long _nextInternal;

    /// <param name="firstInternal">The member's own requests count down from here, far above the front's numbers, so that the two never meet.</param>
    public CommandDesk(TurnContext turn, long firstInternal)
        : base(turn)
    {
        _nextInternal = firstInternal;
        _table = new CommandTable(turn.Options);
        _proposer = new Proposer(turn, _queued, pending => NotDone(pending, NotDoneReason.TooManyRequests));
        _company = new Company(turn, _queued);
        _forwarder = new Forwarder(turn, _queued, _company);
        Ends = new RequestEnds(turn, this);
    }

    public override long NextDue => _queued.Count == 0 || !Turn.ReachesLeader ? long.MaxValue
        // What this turn applied may have made free what is waited for in line: then at once.
        : _awaitsCompany ? Math.Max(_company.AwaitedUntil, _restsUntil)
        : !IsGated ? Turn.Soon(_restsUntil)
        // What this turn applied may have made room.
        : _forwarder.IsGated && _forwarder.HasRoom ? Math.Max(Turn.Now, _restsUntil)
        : Turn.Now + GatedMicros;

    /// <summary>What this member's own clients asked for and is not answered or applied yet.</summary>
    public ByteBudget Bytes => _table.Bytes;

    public Proposer Proposer => _proposer;

    public Forwarder Forwarder => _forwarder;

    public RequestEnds Ends { get; }

    /// <summary>What waits does so for room behind others, not for a leader.</summary>
    private bool IsGated => Turn.Leads ? _proposer.IsGated : _forwarder.IsGated;

    /// <summary>How many commands wait to be sent, other members' among them.</summary>
    public int Queued => _queued.Count;

    public bool IsEmpty => _table.IsEmpty;

    /// <summary>Turns in which what was queued was left to wait for company.</summary>
    public long TimesCompanyWasAwaited { get; private set; }

    /// <summary>What is not answered yet, in the order in which it came; the member's own commands last.</summary>
    public List<PendingCommand> Pending => _table.InOrder;

    public void Accept(PendingCommand pending)
    {
        if (pending.Stage == PendingStage.Answered)
        {
            return;
        }
        pending.ArrivedMicros = Turn.Now;
        pending.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
        if (MayNotBegin(pending))
        {
            NotDone(pending, NotDoneReason.NotReady);
            return;
        }
        if (IsTooMuch(pending) || !_table.TryAdd(pending))
        {
            NotDone(pending, NotDoneReason.TooManyRequests);
            return;
        }
        _queued.Add(pending);
    }

    /// <summary>Has a command of the member's own logged; nobody waits for its answer unless the result is kept.</summary>
    /// <param name="lane">Null: that of such commands.</param>
    public PendingCommand LogOwn(Command command, CommandLane? lane = null)
    {
        _encoder.Clear();
        CommandCodec.Write(_encoder, new CommandEnvelope(command));
        return LogOwn(_encoder.ToArray(), lane ?? PendingCommand.LaneOf(command, _encoder.Length));
    }

    /// <summary>Has one logged once more, which was answered without having been applied for sure.</summary>
    public PendingCommand LogAgain(PendingCommand own) => LogOwn(own.Payload, own.Lane);

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

    private PendingCommand LogOwn(ReadOnlyMemory<byte> payload, CommandLane lane)
    {
        var pending = new PendingCommand(new RequestId(Turn.Options.Self, Turn.Options.Boot, _nextInternal--), payload, "", lane) { IsInternal = true };
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
        foreach (var pending in _table.All)
        {
            _forwarder.Settled(pending);
        }
    }

    public override void Send()
    {
        _awaitsCompany = false;
        if (_queued.Count == 0 || Turn.Now < _restsUntil)
        {
            return;
        }
        if (Turn.Leads)
        {
            _awaitsCompany = _company.AwaitedUntil > Turn.Now;
            TimesCompanyWasAwaited += _awaitsCompany ? 1 : 0;
            if (!_awaitsCompany)
            {
                _proposer.Propose();
            }
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
            if (_table.Find(command.Sequence) is { Stage: PendingStage.Sent } pending && pending.SentIn == forward.Term)
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
            if (_table.Find(sequence) is not { Stage: PendingStage.Sent } pending || pending.SentIn != refused.Term)
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
            if (resolution.Outcome is not HoldQueued)
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
        if (_table.Find(resolution.Request.Sequence) is { } pending)
        {
            if (resolution.Outcome is HoldQueued)
            {
                MarkWaiting(pending);
            }
            else
            {
                Answer(pending, AnswerKind.Done, resolution.Outcome, NotDoneReason.None);
            }
        }
        else
        {
            Ends.OnResolved(resolution);
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
                Ends.Cancel(pending, CancelReason.Disconnected);
                Unknown(pending, NotDoneReason.Cancelled);
                break;
        }
    }

    /// <summary>What was granted under a key stands for a while: whoever asks again finds it.</summary>
    public void OnAnswerUntaken(HoldAbandonedInput grant)
    {
        if (grant.HasKey)
        {
            Ends.GiveBackLater([grant.Name], grant.Request);
        }
        else
        {
            Ends.GiveBack(grant.Name, grant.Request);
        }
    }

    public override void TermApplied(Term term) => _table.Where(pending => pending.Stage == PendingStage.Sent && pending.SentIn < term).ForEach(Requeue);

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
        foreach (var pending in _table.Where(pending => pending.DeadlineMicros <= Turn.Now))
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
        // Last: what was given up just now may have an end to log.
        Ends.Sweep();
    }

    public override void AnswerAll()
    {
        foreach (var pending in _table.InOrder)
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

    /// <summary>
    /// Bulk comes faster than it is taken: what came first has waited for its time, and what comes now would wait as long before it is refused. While nobody leads it waits for that.
    /// </summary>
    private bool IsTooMuch(PendingCommand pending) =>
        pending is { Lane: CommandLane.Bulk, IsInternal: false }
        && Turn.ReachesLeader
        && _queued.First(CommandLane.Bulk) is { } first
        && Turn.Now - first.ArrivedMicros >= Turn.Options.MaxBulkWaitMicros;

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
        _table.StandsInLine(pending);
        pending.DeadlineMicros = Turn.Now + pending.WaitMicros + Turn.Options.RequestTimeoutMicros;
    }

    /// <summary>What became of it cannot be told.</summary>
    private void GiveUp(PendingCommand pending)
    {
        Ends.LeaveUnknown(pending);
        Unknown(pending, NotDoneReason.None);
    }

    private void NotDone(PendingCommand pending, NotDoneReason reason) => Answer(pending, AnswerKind.NotDone, null, reason);

    private void Unknown(PendingCommand pending, NotDoneReason reason) => Answer(pending, AnswerKind.Unknown, null, reason);

    private void Answer(PendingCommand pending, AnswerKind kind, Outcome? outcome, NotDoneReason reason)
    {
        if (_table.Remove(pending))
        {
            _forwarder.Settled(pending);
        }
        _queued.Remove(pending);
        Turn.Answer(pending, new CommandAnswer(kind, outcome, reason, pending.Request));
    }
}
