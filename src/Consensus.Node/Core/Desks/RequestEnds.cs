using System.Collections.Immutable;
using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// What is logged to end requests that nobody waits for any more: a place in a line, or what was granted, would stay with a client that is gone (rule 18). Each is logged until it is
/// applied, for nobody else asks for it: it may be refused while too much waits, and be late while nobody leads. All of them may be applied twice without harm. Those of a process
/// that is gone are the leader's (<see cref="HouseKeeping"/>).
/// </summary>
/// <remarks>
/// An end is applied after the request that it ends, or that one never is: it goes in its lane, to the leader of the same term or of a
/// later one, and a link tells in order. So nothing has to be remembered of a request but its end.
/// </remarks>
internal sealed class RequestEnds
{
    /// <summary>A request takes up to 31 bytes, and with that all of them are small enough to be urgent.</summary>
    private const int DetachedAtOnce = 200;

    /// <summary>Places of these together, as many as an entry touches of what comes unasked (rule 9); of one request 128.</summary>
    private const int PlacesAtOnce = 500;

    /// <summary>
    /// What is logged at one sweep: a leader that refuses thousands for want of room is not asked for all of them five times a second.
    /// </summary>
    private const int AtOnce = 1_000;

    private readonly TurnContext _turn;
    private readonly CommandDesk _desk;
    private readonly UntoldGrants _untold;

    /// <summary>
    /// What is logged and was not seen to be applied. One for each request that this member had, so no more than these, and counted where
    /// they were: one of several places or holds stands for all of them, which have one request.
    /// </summary>
    private readonly List<Ending> _logged = [];

    public RequestEnds(TurnContext turn, CommandDesk desk)
    {
        (_turn, _desk) = (turn, desk);
        Bytes = new ByteBudget(turn.Options.MaxGivenUpBytes);
        _untold = new UntoldGrants(Bytes);
    }

    /// <summary>What is remembered of clients that are gone. Past it the oldest that was not told goes back sooner.</summary>
    public ByteBudget Bytes { get; }

    /// <summary>Nothing is under way, nor waits to be logged again.</summary>
    public bool AreApplied => _logged.TrueForAll(static ending => ending.IsApplied);

    /// <summary>A request for holds is given up: it may have, or get, its place or the holds themselves.</summary>
    public void Cancel(PendingCommand pending, CancelReason reason)
    {
        if (pending.Asked is not { } name)
        {
            return;
        }
        if (reason == CancelReason.Stopping || pending.IsOfSession)
        {
            // What it is granted is its client's all the same.
            Log(CancelWaitCommand.Of(name, pending.Request, reason), LaneOf(pending));
        }
        else if (pending.HasIdentity)
        {
            GiveBackLater(pending.AllAsked, pending.Request, LaneOf(pending));
            var own = _desk.LogOwn(new DetachRequestsCommand([pending.Request]), LaneOf(pending));
            Add(new Ending(own, pending.Request, []));
        }
        else
        {
            GiveBack(pending.AllAsked, pending.Request, LaneOf(pending));
        }
    }

    /// <summary>
    /// What became of a request for holds cannot be told. Without an identity nobody could find it again. Under one it keeps its place for
    /// whoever asks again, and under a key that, or what it is granted, goes back when nobody has asked in time.
    /// </summary>
    public void LeaveUnknown(PendingCommand pending)
    {
        if (!pending.HasIdentity)
        {
            Cancel(pending, CancelReason.Disconnected);
        }
        else if (pending is { IsOfSession: false, Asked: not null })
        {
            GiveBackLater(pending.AllAsked, pending.Request, LaneOf(pending));
        }
    }

    /// <summary>The process stops: these requests keep their places, for whoever asks again under their identities.</summary>
    public void Detach(IEnumerable<PendingCommand> kept)
    {
        foreach (var lane in kept.GroupBy(LaneOf))
        {
            var (part, places) = (new List<RequestId>(), 0);
            foreach (var pending in lane)
            {
                if (part.Count == DetachedAtOnce || (part.Count > 0 && places + pending.Places > PlacesAtOnce))
                {
                    Log(new DetachRequestsCommand([.. part]), lane.Key);
                    (part, places) = ([], 0);
                }
                part.Add(pending.Request);
                places += pending.Places;
            }
            Log(new DetachRequestsCommand([.. part]), lane.Key);
        }
    }

    /// <summary>What was granted goes back if nobody has asked for it again within the time for which a detached place is kept.</summary>
    /// <param name="names">At least one.</param>
    /// <param name="lane">See <see cref="UntoldGrant"/>.</param>
    public void GiveBackLater(ImmutableArray<ObjectName> names, RequestId request, CommandLane? lane = null)
    {
        _untold.Add(new UntoldGrant(names, request, lane, _turn.Now + _turn.Applied.State.Limits.DetachedKeepMicros));
        while (Bytes.Held > Bytes.Limit && _untold.TryTakeOldest(out var oldest))
        {
            GiveBack(oldest.Names, oldest.Request, oldest.Lane);
        }
    }

    /// <summary>What was granted goes back; of a session it is noted that nobody was told.</summary>
    public void GiveBack(ObjectName name, RequestId request) => Log(CancelWaitCommand.Of(name, request, CancelReason.Disconnected), null);

    /// <summary>
    /// A request of this process that does not stand at the desk came to its end: what it was granted stands for its time from now on.
    /// </summary>
    public void OnResolved(in Resolution resolution)
    {
        // What is put in a line is no end yet: it may be granted after that.
        if (resolution.Outcome is not HoldQueued
            && _untold.TryTake(resolution.Request, out var grant)
            && !Grants.Of(resolution.Outcome).IsEmpty)
        {
            GiveBackLater(grant.Names, grant.Request);
        }
    }

    /// <summary>Now and then: what was answered and was not applied for sure is logged again as soon as somebody takes it.</summary>
    public void Sweep()
    {
        for (var i = 0; i < AtOnce && _untold.TryTakeDue(_turn.Now, out var grant); i++)
        {
            GiveBack(grant.Names, grant.Request, grant.Lane);
        }
        EndTheApplied();
        if (!_turn.ReachesLeader)
        {
            return;
        }
        var again = 0;
        for (var i = 0; i < _logged.Count && again < AtOnce; i++)
        {
            if (_logged[i].Own.Stage == PendingStage.Answered)
            {
                _logged[i] = _logged[i] with { Own = _desk.LogAgain(_logged[i].Own) };
                again++;
            }
        }
    }

    private void EndTheApplied()
    {
        var kept = 0;
        for (var i = 0; i < _logged.Count; i++)
        {
            var ending = _logged[i];
            if (ending.IsApplied)
            {
                ForgetIfDetached(ending);
                if (!TryFindLeft(ending.Names, ending.Request, out var left))
                {
                    _desk.Bytes.LetGo(ending.Bytes);
                    continue;
                }
                ending = ending with { Own = _desk.LogOwn(CancelWaitCommand.Of(left, ending.Request, CancelReason.Disconnected)) };
            }
            _logged[kept++] = ending;
        }
        _logged.RemoveRange(kept, _logged.Count - kept);
    }

    /// <summary>Its place is detached, or it was lost on its way: what it holds by now, as a snapshot may tell, goes back.</summary>
    private void ForgetIfDetached(in Ending ending)
    {
        if (ending.Names.IsEmpty && _untold.TryFind(ending.Request, out var grant) && !TryFindLeft(grant.Names, grant.Request, out _))
        {
            _untold.TryTake(ending.Request, out _);
        }
    }

    /// <summary>
    /// One end is enough for all that a request was granted in one step, unless the hold that it names was gone when it was applied:
    /// broken, or held for too long. Then it is another's turn.
    /// </summary>
    private bool TryFindLeft(ImmutableArray<ObjectName> names, RequestId request, out ObjectName left)
    {
        foreach (var name in names)
        {
            if (_turn.Applied.State.IsHeldBy(name, request))
            {
                left = name;
                return true;
            }
        }
        left = default;
        return false;
    }

    /// <summary>The lane of what ends a request. One that is not applied yet must not be overtaken by its own end: then nothing would take it out of the line.</summary>
    /// <returns>Null: that of such commands.</returns>
    private static CommandLane? LaneOf(PendingCommand pending) => pending.Stage == PendingStage.Waiting ? null : pending.Lane;

    private void GiveBack(ImmutableArray<ObjectName> names, RequestId request, CommandLane? lane)
    {
        var own = _desk.LogOwn(CancelWaitCommand.Of(names[0], request, CancelReason.Disconnected), lane);
        Add(new Ending(own, request, names));
    }

    private void Log(Command command, CommandLane? lane) => Add(new Ending(_desk.LogOwn(command, lane), RequestId.None, []));

    private void Add(Ending ending)
    {
        _desk.Bytes.Hold(ending.Bytes);
        _logged.Add(ending);
    }

    /// <param name="Request">That it ends; none where it ends several.</param>
    /// <param name="Names">What the request may hold; none where that does not end with it.</param>
    private readonly record struct Ending(PendingCommand Own, RequestId Request, ImmutableArray<ObjectName> Names)
    {
        /// <summary>What stays of it when it was refused and waits to be logged again.</summary>
        private const int OwnBytes = 300;

        public bool IsApplied => Own is { Stage: PendingStage.Answered, Answer.Kind: AnswerKind.Done };

        /// <summary>Beside its command while that is on its way.</summary>
        public long Bytes => OwnBytes + NameBytes.Of(Names);
    }
}
