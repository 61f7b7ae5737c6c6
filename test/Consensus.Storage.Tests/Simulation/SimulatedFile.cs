using Consensus.Primitives;

namespace Consensus.Storage.Tests.Simulation;

/// <summary>A file's contents twice: as processes see them, and as they are after a loss of power.</summary>
internal sealed class SimulatedFile
{
    public const int SectorBytes = 512;

    private readonly SortedSet<int> _dirty = [];
    private byte[] _cached = [];
    private byte[] _durable = [];

    public int Length => _cached.Length;

    public ReadOnlySpan<byte> Cached => _cached;

    public static SimulatedFile WithDurableContents(byte[] contents) =>
        new() { _cached = [.. contents], _durable = [.. contents] };

    public void Extend(long length)
    {
        if (length > _cached.Length)
        {
            Array.Resize(ref _cached, checked((int)length));
        }
    }

    public void Shorten(long length)
    {
        Array.Resize(ref _cached, checked((int)length));

        // What lay behind is gone for ever: if the file grows again, it is zeros there.
        _dirty.RemoveWhere(sector => sector * (long)SectorBytes >= length);
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }
        Extend(offset + bytes.Length);
        bytes.CopyTo(_cached.AsSpan((int)offset));
        for (var sector = (int)(offset / SectorBytes); sector <= (offset + bytes.Length - 1) / SectorBytes; sector++)
        {
            _dirty.Add(sector);
        }
    }

    public void Sync()
    {
        Array.Resize(ref _durable, _cached.Length);
        foreach (var sector in _dirty)
        {
            Persist(sector, _durable);
        }
        _dirty.Clear();
    }

    /// <summary>Some sectors reached the disk, and the others never will: all are marked clean (USENIX ATC'20 on fsync failures).</summary>
    public void FailSync(DeterministicRandom random)
    {
        _durable = AfterPowerLoss(random);
        _dirty.Clear();
    }

    /// <summary>Any subset of the sectors written since the last sync is on the disk, and the new length may be or not.</summary>
    public void LosePower(DeterministicRandom random)
    {
        _durable = AfterPowerLoss(random);
        _cached = [.. _durable];
        _dirty.Clear();
    }

    private byte[] AfterPowerLoss(DeterministicRandom random)
    {
        var length = _cached.Length == _durable.Length || random.Chance(1, 2) ? _cached.Length : _durable.Length;
        var after = new byte[length];
        _durable.AsSpan(0, Math.Min(length, _durable.Length)).CopyTo(after);

        // All, none or about half of them: the extremes are likely in life and rare among coin tosses.
        var mode = random.Next(4);
        foreach (var sector in _dirty)
        {
            if (mode == 0 || (mode > 1 && random.Chance(1, 2)))
            {
                Persist(sector, after);
            }
        }
        return after;
    }

    private void Persist(int sector, byte[] into)
    {
        var start = sector * SectorBytes;
        var end = Math.Min(Math.Min(start + SectorBytes, into.Length), _cached.Length);
        if (start < end)
        {
            _cached.AsSpan(start, end - start).CopyTo(into.AsSpan(start));
        }
    }
}
