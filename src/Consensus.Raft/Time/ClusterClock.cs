using Consensus.Primitives;

namespace Consensus.Raft.Time;

/// <summary>
/// Cluster time as one member knows it: the pair (term, time) of rule 1. It stands still between messages on a follower and
/// runs only on the leader.
/// </summary>
internal sealed class ClusterClock(Term term, ClusterTime now)
{
    private Term _term = term;

    public ClusterTime Now { get; private set; } = now;

    /// <summary>
    /// A leader's clock arrived. A higher term's value replaces a lower term's even if it is smaller: a cut-off old leader's clock may
    /// have run on.
    /// </summary>
    public void Observe(Term term, ClusterTime time)
    {
        if (term > _term)
        {
            _term = term;
            Now = time;
        }
        else if (term == _term)
        {
            Now = ClusterTime.Max(Now, time);
        }
    }

    /// <summary>A new leader goes on from its last log entry's stamp or the time it keeps, whichever is later.</summary>
    public void StartLeading(Term term, ClusterTime lastStamp)
    {
        _term = term;
        Now = ClusterTime.Max(Now, lastStamp);
    }

    public void Advance(long elapsedMicros)
    {
        Invariant.Require(elapsedMicros >= 0, "cluster time never runs backward");
        Now = Now.PlusMicros(elapsedMicros);
    }
}
