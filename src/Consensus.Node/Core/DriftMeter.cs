using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// Compares the rate of the leader's clock with this member's own: the promise on leases holds for rates within ±0.5 % of each other, and a member says so when it sees more than
/// 1 % (rule 3).
/// </summary>
/// <remarks>
/// A message comes late, never early; so both ends of a measurement are the quickest of two seconds' messages. A process that was stopped, this one or the leader, loses time once
/// and not at a rate: pieces of ten seconds are measured each for itself, and the middle one of the latest five counts. A clock that drifts does so in all of them.
/// </remarks>
public sealed class DriftMeter
{
    private const long PieceMicros = 10_000_000;
    private const long MarkMicros = 2_000_000;
    private const int Pieces = 5;
    private const long AlarmPartsPerThousand = 10;

    private readonly Queue<long> _rates = new();
    private Term _term;
    private Mark? _start;
    private Mark? _end;

    /// <summary>Leader's clock against ours over the latest five pieces, in thousandths; 0 is equal, or not known yet.</summary>
    public long PartsPerThousand { get; private set; }

    public bool IsAlarming => PartsPerThousand is >= AlarmPartsPerThousand or <= -AlarmPartsPerThousand;

    /// <summary>
    /// Forgets the piece under way: this member's loop was late. What it finds in its inbox is as old as the pause; the piece begins with the quickest message of the first seconds.
    /// </summary>
    public void Restart() => _start = _end = null;

    public void Observe(Term term, ClusterTime leaderClock, long localMicros)
    {
        if (term != _term)
        {
            _term = term;
            _rates.Clear();
            Restart();
        }
        if (_start is null)
        {
            _start = new Mark(localMicros);
        }
        if (localMicros - _start.Since < MarkMicros)
        {
            _start.Take(leaderClock, localMicros);
            return;
        }
        if (localMicros - _start.Since < PieceMicros)
        {
            return;
        }
        _end ??= new Mark(localMicros);
        if (localMicros - _end.Since < MarkMicros)
        {
            _end.Take(leaderClock, localMicros);
            return;
        }
        Add(_start, _end);
        (_start, _end) = (_end, null);
    }

    private void Add(Mark start, Mark end)
    {
        var local = end.Local - start.Local;
        _rates.Enqueue((end.Clock - start.Clock - local) * 1000 / local);
        if (_rates.Count > Pieces)
        {
            _rates.Dequeue();
        }
        PartsPerThousand = _rates.Count < Pieces ? PartsPerThousand : _rates.Order().ElementAt(Pieces / 2);
    }

    /// <summary>The quickest message of a short time: the one by which the leader's clock is furthest ahead of ours.</summary>
    private sealed class Mark(long since)
    {
        private bool _isTaken;

        public long Since { get; } = since;

        public ClusterTime Clock { get; private set; }

        public long Local { get; private set; }

        public void Take(ClusterTime clock, long local)
        {
            if (!_isTaken || clock - Clock > local - Local)
            {
                (Clock, Local, _isTaken) = (clock, local, true);
            }
        }
    }
}
