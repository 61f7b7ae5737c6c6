namespace Consensus.Transport.Dialing;

/// <summary>Wakes a waiting thread early. Holds no handle, so that a late <see cref="Set"/> is harmless.</summary>
internal sealed class Signal
{
    private readonly object _gate = new();
    private bool _isSet;

    public void Set()
    {
        lock (_gate)
        {
            _isSet = true;
            Monitor.PulseAll(_gate);
        }
    }

    public void Reset()
    {
        lock (_gate)
        {
            _isSet = false;
        }
    }

    /// <summary>Until <see cref="Set"/> is, or was, called since the last <see cref="Reset"/>; false after <paramref name="within"/>.</summary>
    public bool Wait(TimeSpan within)
    {
        lock (_gate)
        {
            return _isSet || (Monitor.Wait(_gate, within) && _isSet);
        }
    }
}
