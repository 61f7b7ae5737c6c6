using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// No lease is ended early: not before 0.99 × (TTL + waited) passed on its holder's clock since the request was first sent that got or renewed it (rule 3).
/// </summary>
public sealed class LeasePromise(ClockBounds bounds)
{
    public const string Name = "lease promise";

    private readonly Dictionary<long, Hold> _holds = [];
    private readonly Dictionary<long, long> _endedUnknown = [];

    /// <summary>Leases that ended by themselves and were judged.</summary>
    public long Judged { get; private set; }

    /// <summary>Leases that ended early while a clock that mattered broke its bound.</summary>
    public long Excused { get; private set; }

    /// <summary>What a client was promised by the answer to this operation.</summary>
    public void Acknowledged(Operation operation, SimulatedClock clock)
    {
        var (token, micros) = operation.Outcome switch
        {
            HoldGranted granted => (granted.Hold.Token.Value, operation.TtlMicros + granted.WaitedMicros),
            HoldRenewed renewed => (renewed.Hold.Token.Value, renewed.Hold.TtlMicros),
            _ => (0, 0),
        };
        if (token != 0)
        {
            Promised(token, operation, micros, clock);
        }
    }

    /// <param name="token">Of the hold; or the id of the lease, where leases are what is followed.</param>
    /// <param name="operation">Its answer gave or renewed it.</param>
    /// <param name="micros">How long it lives, counted from the first sending.</param>
    public void Promised(long token, Operation operation, long micros, SimulatedClock clock)
    {
        var hold = _holds.GetValueOrDefault(token) ?? (_holds[token] = new Hold());
        hold.EndedAt ??= _endedUnknown.TryGetValue(token, out var before) ? before : null;
        hold.Promises.Add(new Promise(clock, operation.InvokedAt, operation.InvokedClock + (micros / 100 * 99), operation.ToString()));
        if (hold.EndedAt is { } ended)
        {
            Judge(token, hold, ended);
        }
    }

    /// <summary>The hold with this token was seen to have ended because its lease expired.</summary>
    public void SeenExpired(long token, long at)
    {
        var hold = _holds.GetValueOrDefault(token);
        if (hold is null)
        {
            // Its answer is still on its way, or was lost.
            _endedUnknown.TryAdd(token, at);
            return;
        }
        if (hold.EndedAt is not null)
        {
            return;
        }
        hold.EndedAt = at;
        Judged++;
        Judge(token, hold, at);
    }

    /// <summary>The earliest true time at which a hold may end by itself; that of the request when a clock broke its bound.</summary>
    public long PromisedUntil(Operation acquire)
    {
        var token = ((HoldGranted)acquire.Outcome!).Hold.Token.Value;
        var until = acquire.InvokedAt;
        if (_holds.TryGetValue(token, out var hold))
        {
            foreach (var promise in hold.Promises)
            {
                var end = promise.Clock.WhenShows(promise.DeadlineClock);
                if (bounds.WereKept(promise.Clock, promise.SentAt, end))
                {
                    until = Math.Max(until, end);
                }
            }
        }
        return until;
    }

    private void Judge(long token, Hold hold, long ended)
    {
        foreach (var promise in hold.Promises)
        {
            var shows = promise.Clock.At(ended);
            if (shows >= promise.DeadlineClock)
            {
                continue;
            }
            if (!bounds.WereKept(promise.Clock, promise.SentAt, ended))
            {
                Excused++;
                continue;
            }
            Violation.Unless(false, Name, () =>
                $"the lease of {token} was ended {promise.DeadlineClock - shows} µs too early, at {ended}: {promise.By}");
        }
    }

    /// <param name="Clock">Of the client that was promised it: a lease may be renewed by several.</param>
    private sealed record Promise(SimulatedClock Clock, long SentAt, long DeadlineClock, string By);

    private sealed class Hold
    {
        public List<Promise> Promises { get; } = [];

        public long? EndedAt { get; set; }
    }
}
