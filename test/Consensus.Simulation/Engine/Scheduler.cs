namespace Consensus.Simulation.Engine;

/// <summary>
/// Virtual time and what will happen in it: a heap by microsecond, and by order of planning within one. The simulation's only source of time.
/// </summary>
public sealed class Scheduler
{
    private Planned[] _heap = new Planned[1024];
    private int _count;
    private long _sequence;

    /// <summary>True time in microseconds since the run began. No clock of the simulated world shows it.</summary>
    public long Now { get; private set; }

    /// <summary>Events that happened so far.</summary>
    public long Events { get; private set; }

    /// <summary>Plans something for a moment that is not in the past.</summary>
    public void At(long micros, Action happens)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }
        var planned = new Planned(Math.Max(micros, Now), _sequence++, happens);
        var at = _count++;
        while (at > 0)
        {
            var parent = (at - 1) >> 2;
            if (!planned.IsBefore(_heap[parent]))
            {
                break;
            }
            _heap[at] = _heap[parent];
            at = parent;
        }
        _heap[at] = planned;
    }

    public void After(long micros, Action happens) => At(Now + micros, happens);

    /// <summary>Lets everything happen that is planned up to <paramref name="micros"/>, until <paramref name="enough"/> says so; then it is that time.</summary>
    public void RunUntil(long micros, Func<bool>? enough = null)
    {
        while (_count > 0 && _heap[0].At <= micros)
        {
            if (enough is not null && enough())
            {
                return;
            }
            var next = Take();
            Now = next.At;
            Events++;
            next.Happens();
        }
        if (enough is null || !enough())
        {
            Now = Math.Max(Now, micros);
        }
    }

    private Planned Take()
    {
        var first = _heap[0];
        var last = _heap[--_count];
        _heap[_count] = default;
        if (_count == 0)
        {
            return first;
        }
        var at = 0;
        while (true)
        {
            var child = (at << 2) + 1;
            if (child >= _count)
            {
                break;
            }
            var end = Math.Min(child + 4, _count);
            var least = child;
            for (var i = child + 1; i < end; i++)
            {
                if (_heap[i].IsBefore(_heap[least]))
                {
                    least = i;
                }
            }
            if (!_heap[least].IsBefore(last))
            {
                break;
            }
            _heap[at] = _heap[least];
            at = least;
        }
        _heap[at] = last;
        return first;
    }

    private readonly record struct Planned(long At, long Sequence, Action Happens)
    {
        public bool IsBefore(in Planned other) => At < other.At || (At == other.At && Sequence < other.Sequence);
    }
}
