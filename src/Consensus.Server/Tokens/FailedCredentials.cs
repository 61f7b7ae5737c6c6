using System.Net;
using Consensus.Server.Tls;

namespace Consensus.Server.Tokens;

/// <summary>
/// How often an address has shown a credential that is none: 10 a second, and 50 at a time. Beyond that it is not looked at what it shows.
/// Counted is where guesses come from and never whom they name: else anybody could lock anybody out. Thread-safe.
/// </summary>
internal sealed class FailedCredentials(TimeProvider clock)
{
    public const int Burst = 50;

    public const int PerSecond = 10;

    /// <summary>Addresses that are remembered, of some 100 bytes each. Beyond so many all are forgotten: guesses then cost as before.</summary>
    private const int MostAddresses = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, (double Failures, long At)> _failures = [];
    private long _unchecked;

    /// <summary>Requests whose credential was not looked at.</summary>
    public long Unchecked => Interlocked.Read(ref _unchecked);

    /// <summary>Whether what comes from there is to be looked at.</summary>
    /// <param name="address">Null, of a connection that has none, is never bounded.</param>
    public bool MayTry(IPAddress? address)
    {
        if (address is null)
        {
            return true;
        }
        var key = AddressTurns.NetworkOf(address);
        lock (_gate)
        {
            if (!_failures.TryGetValue(key, out var known) || Present(known) <= Burst - 1)
            {
                return true;
            }
        }
        Interlocked.Increment(ref _unchecked);
        return false;
    }

    public void Add(IPAddress? address)
    {
        if (address is null)
        {
            return;
        }
        var key = AddressTurns.NetworkOf(address);
        lock (_gate)
        {
            if (!_failures.TryGetValue(key, out var known) && _failures.Count >= MostAddresses)
            {
                _failures.Clear();
            }
            _failures[key] = (Present(known) + 1, clock.GetTimestamp());
        }
    }

    /// <summary>What was counted was none.</summary>
    public void TakeBack(IPAddress? address)
    {
        if (address is null)
        {
            return;
        }
        var key = AddressTurns.NetworkOf(address);
        lock (_gate)
        {
            if (_failures.TryGetValue(key, out var known))
            {
                _failures[key] = (Math.Max(0, Present(known) - 1), clock.GetTimestamp());
            }
        }
    }

    private double Present((double Failures, long At) known) => known.Failures == 0
        ? 0
        : Math.Max(0, known.Failures - (clock.GetElapsedTime(known.At).TotalSeconds * PerSecond));
}
