using Consensus.Primitives;

namespace Consensus.StateMachine.History;

/// <summary>
/// A stretch of the history: filled by its one writer, never changed where it is filled. A reader looks only at as many changes as its view counts, so that it needs no
/// lock while more are added behind them.
/// </summary>
internal sealed class ChangeChunk(int capacity)
{
    public const int UsualCapacity = 1024;

    /// <summary>A chunk goes as a whole when its last change is forgotten: with large values it is closed early.</summary>
    private const long EnoughBytes = 1 << 20;

    private readonly Recorded[] _items = new Recorded[capacity];

    /// <summary>For each change the sum of its digest and of those before it in the chunk.</summary>
    private readonly ulong[] _digests = new ulong[capacity];
    private KeyOrder? _order;
    private long _bytes;

    public int Count { get; private set; }

    public bool IsClosed => Count == _items.Length || _bytes >= EnoughBytes;

    public ref readonly Recorded this[int position] => ref _items[position];

    /// <param name="digest">The change's.</param>
    public void Add(in Recorded item, ulong digest)
    {
        _items[Count] = item;
        _digests[Count] = DigestOf(0, Count) + digest;
        Count++;
        _bytes += item.Bytes;
    }

    /// <summary>The sum of the digests of the changes from a position on to before another.</summary>
    public ulong DigestOf(int from, int to) => to <= from ? 0 : _digests[to - 1] - (from == 0 ? 0 : _digests[from - 1]);

    /// <summary>The first of <paramref name="count"/> changes that is of this revision or a later one.</summary>
    public int Seek(Revision revision, int count)
    {
        int low = 0, high = count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_items[middle].Change.Revision < revision)
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

    /// <summary>The first <paramref name="count"/> changes by key. Made by the first reader that asks, on its thread: a write pays nothing for it.</summary>
    public KeyOrder OrderOf(int count)
    {
        var order = Volatile.Read(ref _order);
        if (order is null || order.Covered != count)
        {
            order = new KeyOrder(this, count);
            Volatile.Write(ref _order, order);
        }
        return order;
    }

    /// <summary>The first change of the key from a position on, of <paramref name="count"/>; null when there is none.</summary>
    /// <param name="isGrowing">Then its order would be made for this one question.</param>
    public KeyChange? FirstOf(Key key, int from, int count, bool isGrowing)
    {
        if (!isGrowing || Volatile.Read(ref _order)?.Covered == count)
        {
            return OrderOf(count).FirstOf(key, from);
        }
        for (var position = from; position < count; position++)
        {
            if (_items[position].Change is KeyChange change && change.Key == key)
            {
                return change;
            }
        }
        return null;
    }
}
