using System.Collections.Immutable;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Holds;

/// <summary>
/// The waits that are parked between two slices (rule 18). Asking again is no log entry: the next request under the same identity takes the wait up as it is. One for which nobody asks
/// in time is left. They are places in lines, whose number and bytes are bounded, and grants that are at most as old as one may be parked.
/// </summary>
internal sealed class SlicedWaits(IConsensusNode node, TimeProvider clock)
{
    /// <summary>As long as a detached place, and a grant whose answer was not taken, stands for whoever asks again.</summary>
    public static readonly TimeSpan ParkedFor = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<ParkedIdentity, SlicedWait> _parked = [];

    /// <summary>A key, or the number of a session.</summary>
    private readonly record struct ParkedIdentity(Key Key, LeaseId Session, long Number)
    {
        public static ParkedIdentity Of(RequestMark mark) => new(new Key(mark.Key.Span), mark.Session.Session, mark.Session.Number);
    }

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

    /// <summary>The wait that a request takes up, or begins when it asks for a slice of it; null when it waits by itself, or not at all.</summary>
    /// <param name="execute">Given the token that says that nobody asks for it any more.</param>
    public SlicedWait? For(RequestMark mark, long waitMicros, bool isSlice, Func<CancellationToken, ValueTask<CommandAnswer>> execute)
    {
        if (waitMicros <= 0 || mark.Fingerprint.IsEmpty)
        {
            return null;
        }
        var wait = TakeUp(mark);
        if (wait is null && isSlice)
        {
            wait = new SlicedWait(this, mark);
            wait.Begin(execute);
        }
        return wait;
    }

    /// <summary>The wait of an earlier request like this one; null when none is parked. One that asks for something else under the same identity is judged in apply.</summary>
    public SlicedWait? TakeUp(RequestMark mark)
    {
        lock (_gate)
        {
            if (_parked.Count == 0)
            {
                return null;
            }
            var identity = ParkedIdentity.Of(mark);
            if (!_parked.TryGetValue(identity, out var wait) || !wait.Mark.Fingerprint.Span.SequenceEqual(mark.Fingerprint.Span))
            {
                return null;
            }
            _parked.Remove(identity);
            EndParking(wait);
            return wait.IsWorthTakingUp ? wait : null;
        }
    }

    public void Park(SlicedWait wait)
    {
        SlicedWait? before;
        lock (_gate)
        {
            // Two requests that came at once under one identity: the later one has the place.
            if (_parked.Remove(ParkedIdentity.Of(wait.Mark), out before))
            {
                EndParking(before);
            }
            _parked.Add(ParkedIdentity.Of(wait.Mark), wait);
            wait.Expiry = clock.CreateTimer(static parked => ((SlicedWait)parked!).Owner.Expire((SlicedWait)parked), wait, ParkedFor, Timeout.InfiniteTimeSpan);
        }
        _ = before?.LeaveAsync();
    }

    /// <summary>
    /// What is granted while nobody asks stands for as long as a place would be kept. Of a session's hold it is noted at once that nobody was told: the session may
    /// end before the time is over.
    /// </summary>
    public void OnAnswered(SlicedWait wait, CommandAnswer answer)
    {
        lock (_gate)
        {
            if (wait.Expiry is not { } expiry)
            {
                return;
            }
            expiry.Change(ParkedFor, Timeout.InfiniteTimeSpan);
            wait.WasNoted = !wait.Mark.Session.IsNone;
        }
        if (wait.WasNoted)
        {
            Untaken(answer);
        }
    }

    /// <summary>As this member has applied it; null when it is not there yet, or is no more.</summary>
    public async ValueTask<PlaceInfo?> PlaceOf(RequestMark mark)
    {
        var read = await node.ReadAsync(ReadConsistency.Stale, Revision.Zero, CancellationToken.None);
        return read.View?.PlaceOf(CommandRunner.Principal, mark.Key, mark.Session, mark.Fingerprint.Span);
    }

    /// <summary>The answer came and is told to nobody.</summary>
    public void Untaken(CommandAnswer answer)
    {
        foreach (var hold in answer.Outcome switch { HoldGranted one => [one.Hold], ManyGranted many => many.Holds, _ => ImmutableArray<Hold>.Empty })
        {
            node.Abandon(hold.Object, answer.Request, hasKey: false);
        }
    }

    private void Expire(SlicedWait wait)
    {
        lock (_gate)
        {
            if (wait.Expiry is null)
            {
                return;
            }
            _parked.Remove(ParkedIdentity.Of(wait.Mark));
            EndParking(wait);
        }
        _ = wait.LeaveAsync();
    }

    private static void EndParking(SlicedWait wait)
    {
        wait.Expiry?.Dispose();
        wait.Expiry = null;
    }
}
