namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// A lease that nobody renews ends once its TTL is over, however often leadership changes hands meanwhile: a failover gives it no new life (rule 1). Time in
/// which nobody leads does not count.
/// </summary>
/// <param name="heldUpUntil">Until then a renewal may come that was sent when there still were some, and was held up on its way. True time, in microseconds.</param>
public sealed class LeasesEnd(long heldUpUntil = 0)
{
    public const string Name = "leases end";

    /// <summary>For what comes between a deadline and the sight of its end: proposing, committing, publishing, and renewals that are let in first.</summary>
    private const long SlackMicros = 2_000_000;

    private readonly Dictionary<long, long> _latest = [];

    /// <summary>A hold that nobody renews any more is seen to stand.</summary>
    /// <param name="at">True time, in microseconds.</param>
    public void Stands(string name, long token, long ttlMicros, long at)
    {
        _latest.TryAdd(token, Math.Max(at, heldUpUntil) + (ttlMicros / 1000 * 1005) + SlackMicros);
        Violation.Unless(at <= _latest[token], Name, () => $"the lease of token {token} ({ttlMicros} µs) still holds {name} at {at}; it should have ended by {_latest[token]}");
    }

    /// <summary>For so long cluster time stood still, or what passed of it is lost.</summary>
    public void Uncounted(long micros)
    {
        foreach (var token in _latest.Keys)
        {
            _latest[token] += micros;
        }
    }
}
