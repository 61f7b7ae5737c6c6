namespace Consensus.Transport;

public enum TransportLogLevel
{
    /// <summary>Strangers, redials: of interest to who looks for it.</summary>
    Debug,

    /// <summary>What an operator follows along: whom a first start waits for.</summary>
    Information,

    /// <summary>Somebody should look: a peer of another cluster, a refusal.</summary>
    Warning,
}

/// <summary>Where the transport says what it sees, one sentence at a time. Called on any of its threads; returns quickly, never throws.</summary>
public delegate void TransportLog(TransportLogLevel level, string message);

/// <summary>
/// Lets through a few messages for each period and then only counts, so that a stranger who knocks a thousand times a second cannot fill a disk.
/// </summary>
internal sealed class RateLimitedLog(TransportLog log, TimeProvider time)
{
    private const int MessagesPerPeriod = 10;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private long _periodStart = time.GetTimestamp();
    private int _said;
    private long _swallowed;

    public void Say(TransportLogLevel level, string message)
    {
        long swallowed = 0;
        lock (_gate)
        {
            if (time.GetElapsedTime(_periodStart) >= Period)
            {
                _periodStart = time.GetTimestamp();
                (swallowed, _swallowed, _said) = (_swallowed, 0, 0);
            }
            if (_said == MessagesPerPeriod)
            {
                _swallowed++;
                return;
            }
            _said++;
        }
        if (swallowed > 0)
        {
            log(level, $"{swallowed} similar messages were left out");
        }
        log(level, message);
    }
}
