namespace Consensus.Simulation.Checkers;

/// <summary>Once a majority is healed it elects a leader and answers everybody in bounded time, and all members become equal.</summary>
public static class Progress
{
    public const string Name = "progress";

    public static void Reached(bool isSo, long withinMicros, Func<string> what) =>
        Violation.Unless(isSo, Name, () => $"not within {withinMicros / 1_000_000} virtual seconds: {what()}");
}
