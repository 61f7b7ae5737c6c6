using Consensus.Primitives;
using Consensus.StateMachine.Comparison;

namespace Consensus.StateMachine.History;

/// <summary>One picture of a <see cref="ChangeLog"/>; any thread may read it.</summary>
/// <param name="offset">Where the first chunk begins.</param>
/// <param name="lastCount">Changes of the last chunk: the chunk itself may have grown since.</param>
internal sealed class PastChanges(ChangeChunk[] chunks, int chunkCount, int offset, int lastCount)
{
    /// <summary>From this revision on, in order.</summary>
    public IEnumerable<Recorded> From(Revision revision)
    {
        for (var i = ChunkOf(revision); i < chunkCount; i++)
        {
            for (var position = FirstIn(i, revision); position < CountIn(i); position++)
            {
                yield return chunks[i][position];
            }
        }
    }

    /// <summary>The first change of the key after this revision; null when there is none. Takes time by the number of chunks since then.</summary>
    public KeyChange? FirstOf(Key key, Revision after)
    {
        for (var i = ChunkOf(after.Next); i < chunkCount; i++)
        {
            if (chunks[i].FirstOf(key, FirstIn(i, after.Next), CountIn(i), isGrowing: i == chunkCount - 1) is { } change)
            {
                return change;
            }
        }
        return null;
    }

    /// <summary>For each key that was changed after this revision, its first change since, in order of the keys from <paramref name="from"/> on.</summary>
    public IEnumerable<KeyChange> FirstOfEach(Key from, Revision after)
    {
        var runs = new PriorityQueue<KeyRun, RunPlace>();
        for (var i = ChunkOf(after.Next); i < chunkCount; i++)
        {
            var run = new KeyRun(chunks[i].OrderOf(CountIn(i)), FirstIn(i, after.Next), from);
            if (run.HasCurrent)
            {
                runs.Enqueue(run, new RunPlace(run.Current.Key, i));
            }
        }
        Key? last = null;
        while (runs.TryPeek(out var run, out var place))
        {
            if (place.Key != last)
            {
                yield return run.Current;
                last = place.Key;
            }
            run.NextKey();
            if (run.HasCurrent)
            {
                runs.DequeueEnqueue(run, new RunPlace(run.Current.Key, place.Chunk));
            }
            else
            {
                runs.Dequeue();
            }
        }
    }

    /// <summary>The sum of the changes before this revision. Takes time by the number of chunks.</summary>
    public RangeSum SumBefore(Revision revision)
    {
        var (sum, last) = (default(RangeSum), ChunkOf(revision));
        for (var i = 0; i < last; i++)
        {
            sum += SumIn(i, CountIn(i));
        }
        return last < chunkCount ? sum + SumIn(last, FirstIn(last, revision)) : sum;
    }

    /// <summary>The revision of the change of this rank (0 is the oldest), which there must be. Takes time by the number of chunks.</summary>
    public Revision RevisionAt(long rank)
    {
        var chunk = 0;
        for (var first = offset; ; first = 0)
        {
            var count = CountIn(chunk) - first;
            if (rank < count)
            {
                return chunks[chunk][first + (int)rank].Change.Revision;
            }
            rank -= count;
            chunk++;
        }
    }

    /// <summary>The sum of the changes of a chunk up to before a position.</summary>
    private RangeSum SumIn(int chunk, int end)
    {
        var first = chunk == 0 ? offset : 0;
        return new RangeSum(end - first, chunks[chunk].DigestOf(first, end));
    }

    private int CountIn(int chunk) => chunk == chunkCount - 1 ? lastCount : chunks[chunk].Count;

    /// <summary>The first change in the chunk that is of this revision or a later one, and is not forgotten.</summary>
    private int FirstIn(int chunk, Revision revision)
    {
        var first = chunk == 0 ? offset : 0;
        return Math.Max(first, chunks[chunk].Seek(revision, CountIn(chunk)));
    }

    /// <summary>The first chunk that ends with this revision or a later one.</summary>
    private int ChunkOf(Revision revision)
    {
        int low = 0, high = chunkCount;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (chunks[middle][CountIn(middle) - 1].Change.Revision < revision)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    /// <summary>By key, then by age.</summary>
    private readonly record struct RunPlace(Key Key, int Chunk) : IComparable<RunPlace>
    {
        public int CompareTo(RunPlace other)
        {
            var byKey = Key.CompareTo(other.Key);
            return byKey != 0 ? byKey : Chunk.CompareTo(other.Chunk);
        }
    }

    /// <summary>Walks one chunk key by key: the first change of each from a position of the chunk on.</summary>
    private sealed class KeyRun
    {
        private readonly KeyOrder _order;
        private readonly int _position;
        private int _place;

        public KeyRun(KeyOrder order, int position, Key from)
        {
            (_order, _position) = (order, position);
            _place = order.Seek(from, position);
            SkipForgotten();
        }

        public bool HasCurrent => _place < _order.Count;

        public KeyChange Current => _order[_place];

        public void NextKey()
        {
            // Mostly the next one: the key's changes stand together, and are few.
            var key = Current.Key;
            do
            {
                _place++;
            }
            while (HasCurrent && Current.Key == key);
            SkipForgotten();
        }

        private void SkipForgotten()
        {
            while (HasCurrent && _order.PositionOf(_place) < _position)
            {
                _place++;
            }
        }
    }
}
