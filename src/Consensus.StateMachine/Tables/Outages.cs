using System.Collections.Immutable;
using Consensus.Primitives;

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
            var hash = StateHash.Initial;
            foreach (var outage in value)
            {
                hash = hash.Add(outage.At.Micros).Add(outage.Micros);
            }
            Digest = hash.Value;
        }
    }

    public ulong Digest { get; private set; } = StateHash.Initial.Value;

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
}
