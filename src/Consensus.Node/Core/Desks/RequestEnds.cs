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
internal sealed class RequestEnds(TurnContext turn, CommandDesk desk)
{
    /// <summary>About 10 MB.</summary>
    private const int MaxGivenUp = 100_000;

    /// <summary>With names of 1 KiB about 12 MB; beyond that the oldest is given back sooner.</summary>
    private const int MaxUntold = 10_000;

    /// <summary>A request takes up to 31 bytes, and with that all of them are small enough to be urgent.</summary>
    private const int DetachedAtOnce = 200;

    /// <summary>Places of these together, as many as an entry touches of what comes unasked (rule 9); of one request 128.</summary>
    private const int PlacesAtOnce = 500;

    /// <summary>What is logged again at one sweep: a leader that refuses thousands for want of room is not asked for all of them five times a second.</summary>
    private const int AgainAtOnce = 1_000;

    /// <summary>Acquires that were given up without an identity: should one be granted all the same, it is given back.</summary>
    private readonly GivenUpRequests _givenUp = new(MaxGivenUp);

    /// <summary>As these, under an Idempotency-Key: what one is granted all the same stands for as long as its place would have.</summary>
    private readonly GivenUpRequests _givenUpForLater = new(MaxGivenUp);

    /// <summary>What was granted under a key and perhaps not told: whoever asks again in time finds it, else it is given back. Oldest first.</summary>
    private readonly Queue<UntoldGrant> _untold = new();

    /// <summary>
    /// What is logged and was not seen to be applied. One for each request that this member had, so no more than these: the first of several
    /// places or holds stands for all of them, which have one request.
    /// </summary>
    private readonly List<PendingCommand> _logged = [];

    /// <summary>Nothing is under way, nor waits to be logged again.</summary>
    public bool AreApplied => _logged.TrueForAll(IsApplied);

    /// <summary>A request for holds is given up: it may have, or get, its place or the holds themselves.</summary>
    public void Cancel(PendingCommand pending, CancelReason reason)
    {
        if (pending.Asked is not { } name)
        {
            return;
        }
        if (reason == CancelReason.Disconnected && pending is { HasIdentity: true, IsOfSession: false })
        {
            Detach([pending]);
            GiveBackLater(name, pending.Request);
            _givenUpForLater.Add(pending.Request.Sequence);
            return;
        }
        if (!pending.HasIdentity && reason == CancelReason.Disconnected)
        {
            _givenUp.Add(pending.Request.Sequence);
        }
        Log(CancelWaitCommand.Of(name, pending.Request, reason), LaneOf(pending));
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
    public void GiveBackLater(ObjectName name, RequestId request)
    {
        if (_untold.Count == MaxUntold)
        {
            var oldest = _untold.Dequeue();
            GiveBack(oldest.Name, oldest.Request);
        }
        _untold.Enqueue(new UntoldGrant(name, request, turn.Now + turn.Applied.State.Limits.DetachedKeepMicros));
    }

    /// <summary>What was granted goes back; of a session it is noted that nobody was told.</summary>
    public void GiveBack(ObjectName name, RequestId request) => Log(CancelWaitCommand.Of(name, request, CancelReason.Disconnected), null);

    /// <summary>A request of this process that does not stand at the desk came to its end: if it was given up, what it was granted goes back.</summary>
    public void OnResolved(in Resolution resolution)
    {
        // What is put in a line is no end yet: it may be granted after that.
        if (resolution.Outcome is not (HoldGranted or ManyGranted))
        {
            return;
        }
        if (_givenUp.Remove(resolution.Request.Sequence))
        {
            GiveBack(Grants.Of(resolution.Outcome)[0].Object, resolution.Request);
        }
        else if (_givenUpForLater.Remove(resolution.Request.Sequence))
        {
            // Until then the first may end by itself, and would stand for the others no more.
            foreach (var hold in Grants.Of(resolution.Outcome).Skip(1))
            {
                GiveBackLater(hold.Object, resolution.Request);
            }
        }
    }

    /// <summary>Now and then: what was answered and was not applied for sure is logged again as soon as somebody takes it.</summary>
    public void Sweep()
    {
        while (_untold.TryPeek(out var oldest) && oldest.DueMicros <= turn.Now)
        {
            _untold.Dequeue();
            GiveBack(oldest.Name, oldest.Request);
        }
        _logged.RemoveAll(IsApplied);
        if (!turn.ReachesLeader)
        {
            return;
        }
        var again = 0;
        for (var i = 0; i < _logged.Count && again < AgainAtOnce; i++)
        {
            if (_logged[i].Stage == PendingStage.Answered)
            {
                _logged[i] = desk.LogAgain(_logged[i]);
                again++;
            }
        }
    }

    private static bool IsApplied(PendingCommand own) => own is { Stage: PendingStage.Answered, Answer.Kind: AnswerKind.Done };

    /// <summary>The lane of what ends a request. One that is not applied yet must not be overtaken by its own end: then nothing would take it out of the line.</summary>
    /// <returns>Null: that of such commands.</returns>
    private static CommandLane? LaneOf(PendingCommand pending) => pending.Stage == PendingStage.Waiting ? null : pending.Lane;

    private void Log(Command command, CommandLane? lane) => _logged.Add(desk.LogOwn(command, lane));

    /// <param name="DueMicros">Loop time at which it is given back.</param>
    private readonly record struct UntoldGrant(ObjectName Name, RequestId Request, long DueMicros);
}
