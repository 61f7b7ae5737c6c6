using Consensus.Api.Locks;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Server.Holds;

/// <summary>
/// The waits that are parked between two slices (rule 18). Asking again is no log entry: the next request under the same identity takes the
/// wait up as it is. Of one that was granted something meanwhile only apply knows whether it stands: the next request asks there. One for
/// which nobody asks in time is left. Those without an answer are places in lines, whose number and bytes are bounded; of the others
/// <see cref="MaxAnswered"/> are kept.
/// </summary>
internal sealed class SlicedWaits(IConsensusNode node, Replies replies, TimeProvider clock)
{
    /// <summary>About 10 MB; beyond that the oldest is left sooner.</summary>
    public const int MaxAnswered = 10_000;

    /// <summary>As long as a detached place, and a grant whose answer was not taken, stands for whoever asks again.</summary>
    public static readonly TimeSpan ParkedFor = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<ParkedIdentity, Parking> _parked = [];

    /// <summary>Those whose answer came since, the oldest first; some of them are parked no more.</summary>
    private readonly Queue<Parking> _answered = new();

    public TimeProvider Clock => clock;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _parked.Count;
            }
        }
    }

    /// <summary>
    /// The answer to a request under an identity that waits, in slices or for as long as it takes; null when the slice is over and it was
    /// told its place.
    /// </summary>
    /// <param name="slice">Null: as long as it takes.</param>
    /// <param name="execute">Given the token that says that nobody asks for it any more.</param>
    public async ValueTask<CommandAnswer?> AnswerAsync(
        HttpContext http, RequestMark mark, TimeSpan? slice, Func<CancellationToken, ValueTask<CommandAnswer>> execute)
    {
        var wait = TakeUp(mark);
        if (wait is null)
        {
            if (slice is null)
            {
                return await execute(http.RequestAborted);
            }
            wait = new SlicedWait(this, mark);
            wait.Begin(execute);
        }
        SliceEnd end;
        try
        {
            end = await wait.AnswerOrPlaceAsync(slice, http.RequestAborted);
        }
        catch
        {
            // A fault of this member: nobody would ever find the wait.
            _ = wait.LeaveAsync();
            throw;
        }
        if (end.Place is not null || end.IsOutOfTouch)
        {
            Park(wait);
            await (end.Place is { } place
                ? Slices.TellAsync(http, replies, place)
                : replies.Problem(http, AnswerProblems.Of(AnswerKind.Unknown, NotDoneReason.None)));
            return null;
        }
        wait.Dispose();
        return end.Answer;
    }

    /// <summary>
    /// The wait of an earlier request like this one; null when none is parked. One that asks for something else under the same identity is
    /// judged in apply, and so is one with another credential: the place is to hang on the one that is used now.
    /// </summary>
    public SlicedWait? TakeUp(RequestMark mark)
    {
        lock (_gate)
        {
            if (_parked.Count == 0)
            {
                return null;
            }
            if (!_parked.TryGetValue(ParkedIdentity.Of(mark), out var parking)
                || !parking.Wait.Mark.Fingerprint.Span.SequenceEqual(mark.Fingerprint.Span)
                || parking.Wait.Mark.Actor != mark.Actor
                || parking.Wait.IsGranted)
            {
                return null;
            }
            End(parking);
            return parking.Wait.IsWorthTakingUp ? parking.Wait : null;
        }
    }

    public void Park(SlicedWait wait)
    {
        var parking = new Parking(wait);
        Parking? before;
        lock (_gate)
        {
            // Two requests that came at once under one identity: the later one has the place.
            if (_parked.TryGetValue(parking.Identity, out before))
            {
                End(before);
            }
            _parked.Add(parking.Identity, parking);
            parking.Expiry = clock.CreateTimer(_ => Expire(parking), null, ParkedFor, Timeout.InfiniteTimeSpan);
        }
        _ = before?.Wait.LeaveAsync();
    }

    /// <summary>
    /// What is granted while nobody asks stands for as long as a place would be kept. Of a session's hold it is noted at once that nobody was
    /// told: the session may end before the time is over.
    /// </summary>
    public void OnAnswered(SlicedWait wait, CommandAnswer answer)
    {
        Parking? oldest = null;
        lock (_gate)
        {
            if (!_parked.TryGetValue(ParkedIdentity.Of(wait.Mark), out var parking) || parking.Wait != wait)
            {
                return;
            }
            parking.Expiry!.Change(ParkedFor, Timeout.InfiniteTimeSpan);
            while (_answered.TryPeek(out var first) && !IsParked(first))
            {
                _answered.Dequeue();
            }
            _answered.Enqueue(parking);
            if (_answered.Count > MaxAnswered)
            {
                oldest = _answered.Dequeue();
            }
        }
        if (!wait.Mark.Session.IsNone)
        {
            Untaken(answer, hasKey: false);
        }
        if (oldest is not null)
        {
            Expire(oldest);
        }
    }

    /// <summary>
    /// As the cluster has it: a member that is cut off would tell for the whole wait of a place that the others have detached since
    /// (rule 18). Null when it is not there yet, or is no more.
    /// </summary>
    public async ValueTask<SliceEnd?> PlaceOf(RequestMark mark, CancellationToken enough)
    {
        var read = await node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, enough);
        if (read.View is not { } view)
        {
            if (read.Reason == NotDoneReason.TooManyRequests)
            {
                // It is in touch, and is asked again after a pause.
                return null;
            }
            // What has no place here has an answer in the end, and is told that.
            var own = await node.ReadAsync(ReadConsistency.Stale, Revision.Zero, enough);
            return PlaceIn(own.View, mark) is null ? null : new SliceEnd(default, null, IsOutOfTouch: true);
        }
        if (PlaceIn(view, mark) is not { } place)
        {
            return null;
        }
        var now = ClusterTime.Max(view.AppliedStamp, node.Moment.Now);
        return new SliceEnd(default, new PlaceAnswer(place.Position, Millis.Left(place.Deadline, now)), IsOutOfTouch: false);
    }

    private static PlaceInfo? PlaceIn(StateView? view, RequestMark mark) =>
        view?.PlaceOf(mark.Actor.Name, mark.Key, mark.Session, mark.Fingerprint.Span);

    /// <summary>The answer came, and not a byte of it could be told.</summary>
    /// <param name="hasKey">Somebody may ask again under the key from now on.</param>
    public void Untaken(CommandAnswer answer, bool hasKey)
    {
        foreach (var hold in Grants.Of(answer.Outcome))
        {
            node.Abandon(hold.Object, answer.Request, hasKey);
        }
    }

    private void Expire(Parking parking)
    {
        lock (_gate)
        {
            if (!IsParked(parking))
            {
                return;
            }
            End(parking);
        }
        _ = parking.Wait.LeaveAsync();
    }

    private bool IsParked(Parking parking) => _parked.TryGetValue(parking.Identity, out var there) && there == parking;

    private void End(Parking parking)
    {
        _parked.Remove(parking.Identity);
        parking.Expiry?.Dispose();
    }

    /// <summary>A key, or the number of a session, of one principal.</summary>
    private readonly record struct ParkedIdentity(string Principal, Key Key, LeaseId Session, long Number)
    {
        public static ParkedIdentity Of(RequestMark mark) =>
            new(mark.Actor.Name, new Key(mark.Key.Span), mark.Session.Session, mark.Session.Number);
    }

    /// <summary>From the end of one slice to the begin of the next.</summary>
    private sealed class Parking(SlicedWait wait)
    {
        public SlicedWait Wait => wait;

        public ParkedIdentity Identity { get; } = ParkedIdentity.Of(wait.Mark);

        public ITimer? Expiry { get; set; }
    }
}
