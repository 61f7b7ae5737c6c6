using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// The state's hash after each of the newest entries, so that members that are never at one index at one moment can be compared at one all the same (rule 13). Takes as much
/// memory as it holds, up to 512 KiB. Owned by the loop.
/// </summary>
internal sealed class HashHistory(LogIndex index, StateHash hash, int capacity = HashHistory.UsualCapacity)
{
    /// <summary>At 20,000 writes a second, three seconds: time enough to ask every member about one index.</summary>
    public const int UsualCapacity = 1 << 16;

    private ulong[] _hashes = [hash.Value];
    private int _first;
    private int _count = 1;

    /// <summary>The newest index, whose hash is always known.</summary>
    public LogIndex Newest { get; private set; } = index;

    public LogIndex Oldest => new(Newest.Value - _count + 1);

    /// <summary>The next entry was applied.</summary>
    public void Add(StateHash hash)
    {
        Newest = Newest.Next;
        if (_count == _hashes.Length && _count < capacity)
        {
            Grow();
        }
        if (_count < _hashes.Length)
        {
            _hashes[(_first + _count++) % _hashes.Length] = hash.Value;
        }
        else
        {
            _hashes[_first] = hash.Value;
            _first = (_first + 1) % _hashes.Length;
        }
    }

    /// <summary>A snapshot replaced the state: nothing before it is known.</summary>
    public void Restart(LogIndex index, StateHash hash) => (_hashes, _first, _count, Newest) = ([hash.Value], 0, 1, index);

    /// <summary>False for what is not known yet, or not any more.</summary>
    public bool TryFind(LogIndex index, out StateHash hash)
    {
        hash = default;
        if (index < Oldest || index > Newest)
        {
            return false;
        }
        hash = new StateHash(_hashes[(_first + (int)(index - Oldest)) % _hashes.Length]);
        return true;
    }

    private void Grow()
    {
        var larger = new ulong[Math.Min(capacity, Math.Max(64, _hashes.Length * 2))];
        for (var i = 0; i < _count; i++)
        {
            larger[i] = _hashes[(_first + i) % _hashes.Length];
        }
        (_hashes, _first) = (larger, 0);
    }
}
