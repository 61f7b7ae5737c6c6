using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// Compares the rate of the leader's clock with this member's own over windows of a minute: the promise on leases holds for rates within
/// ±0.5 % of each other, and a member says so when it sees more than 1 % (rule 3).
/// </summary>
public sealed class DriftMeter
{
    private const long WindowMicros = 60_000_000;
    private const long AlarmPartsPerThousand = 10;

    private Term _term;
    private ClusterTime _startClock;
    private long _startLocal;
    private bool _started;

    /// <summary>Measured in the last whole window: leader's clock against ours, in thousandths; 0 is equal.</summary>
    public long PartsPerThousand { get; private set; }

    public bool IsAlarming => PartsPerThousand is >= AlarmPartsPerThousand or <= -AlarmPartsPerThousand;

    /// <summary>Forgets the window under way: the leader changed or this member's loop was late, so the gap means nothing.</summary>
    public void Restart() => _started = false;

    public void Observe(Term term, ClusterTime leaderClock, long localMicros)
    {
        if (!_started || term != _term)
        {
            (_term, _startClock, _startLocal, _started) = (term, leaderClock, localMicros, true);
            return;
        }
        var local = localMicros - _startLocal;
        if (local < WindowMicros)
        {
            return;
        }
        PartsPerThousand = (leaderClock - _startClock - local) * 1000 / local;
        (_startClock, _startLocal) = (leaderClock, localMicros);
    }
}
