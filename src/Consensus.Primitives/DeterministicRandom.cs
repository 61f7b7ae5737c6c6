namespace Consensus.Primitives;

/// <summary>
/// A seeded generator whose sequence depends on nothing but its seed, on every platform and runtime version: SplitMix64
/// (Steele, Lea, Flood, 2014). Not for secrets.
/// </summary>
public sealed class DeterministicRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong NextUInt64()
    {
        _state += 0x9E3779B97F4A7C15UL;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, <paramref name="exclusiveMax"/>).</summary>
    public long Next(long exclusiveMax)
    {
        Invariant.Require(exclusiveMax > 0, "a range holds at least one value");
        return (long)Math.BigMul(NextUInt64(), (ulong)exclusiveMax, out _);
    }

    /// <summary>Uniform in [<paramref name="inclusiveMin"/>, <paramref name="exclusiveMax"/>).</summary>
    public long Next(long inclusiveMin, long exclusiveMax) => inclusiveMin + Next(exclusiveMax - inclusiveMin);

    /// <summary>True <paramref name="numerator"/> times out of <paramref name="denominator"/>.</summary>
    public bool Chance(long numerator, long denominator) => Next(denominator) < numerator;
}
