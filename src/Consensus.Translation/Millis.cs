using Consensus.Primitives;

namespace Consensus.Translation;

/// <summary>Times of the state as answers have them: whole milliseconds, downwards.</summary>
public static class Millis
{
    public static long Of(long micros) => micros / 1_000;

    /// <summary>What is left until a deadline in cluster time, never negative. It informs, no more (rule 4).</summary>
    public static long Left(ClusterTime deadline, ClusterTime now) => deadline > now ? Of(deadline - now) : 0;
}
