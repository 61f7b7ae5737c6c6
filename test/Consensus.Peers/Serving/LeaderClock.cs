using Consensus.Primitives;

namespace Consensus.Peers.Serving;

/// <summary>
/// The cluster time of a leader: the last stamp that it had applied when it first was asked in its term, and what its own clock counted
/// since. The library carries no clock from leader
/// to leader, so a new one starts where the log ends: what passed without an entry before it is not counted, and leases last that much
/// longer. Any thread.
/// </summary>
internal sealed class LeaderClock(TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _term = -1;
    private ClusterTime _base;
    private long _since;

    /// <param name="term">In which this member leads.</param>
    /// <param name="applied">The stamp of the last entry that it has applied.</param>
    public ClusterTime Now(long term, ClusterTime applied)
    {
        lock (_gate)
        {
            if (term != _term)
            {
                (_term, _base, _since) = (term, applied, time.GetTimestamp());
            }
            return ClusterTime.Max(applied, _base.PlusMicros((long)time.GetElapsedTime(_since).TotalMicroseconds));
        }
    }
}
