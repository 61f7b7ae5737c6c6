using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>A time without a leader.</summary>
/// <param name="At">When it was over.</param>
internal readonly record struct Outage(ClusterTime At, long Micros);

/// <summary>The newest times without a leader, oldest first: what is told of to whoever lost something meanwhile.</summary>
internal sealed class Outages
{
    /// <summary>Longer ago than the oldest of so many nothing is known.</summary>
    private const int Most = 16;

    private ImmutableArray<Outage> _all = [];

    public ImmutableArray<Outage> All
    {
        get => _all;
        set
        {
            _all = value;
            Digest = 0;
            for (var i = 0; i < value.Length; i++)
            {
                Digest += DigestOf(i, value[i]);
            }
        }
    }

    public ulong Digest { get; private set; }

    /// <param name="number">Its place among all, from 0.</param>
    public static ulong DigestOf(long number, Outage outage) => StateHash.Initial.Add(number).Add(outage.At.Micros).Add(outage.Micros).Value;

    public void Add(Outage outage) => All = _all.Length < Most ? _all.Add(outage) : [.. _all.AsSpan()[1..], outage];

    /// <summary>How long those took together that were over at this time or later.</summary>
    public long MicrosSince(ClusterTime time)
    {
        var micros = 0L;
        foreach (var outage in _all)
        {
            micros += outage.At >= time ? outage.Micros : 0;
        }
        return micros;
    }

    /// <summary>The message <c>Outage</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a time without a leader");
        public static readonly int At = Shape.Number(1);
        public static readonly int Micros = Shape.Number(2);
    }

    public static void Write(WireWriter writer, Outage outage)
    {
        writer.Int64(Saved.At, outage.At.Micros);
        writer.Int64(Saved.Micros, outage.Micros);
    }

    /// <summary>Adds one as it was written.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        Add(new Outage(fields.Time(Saved.At), fields.Number(Saved.Micros)));
    }
}
