namespace Consensus.Client.Transport;

/// <summary>How long to wait after a round in which every endpoint had its turn: twice as long each time, from 50 ms to 1 s.</summary>
internal static class RetryPause
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);

    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(1);

    /// <param name="round">From 1 on.</param>
    public static TimeSpan After(int round)
    {
        var doubled = First * Math.Pow(2, Math.Min(round - 1, 10));

        // Spread out, so that clients cut off together do not come back together.
        return (doubled < Longest ? doubled : Longest) * (0.75 + (Random.Shared.NextDouble() / 2));
    }
}
