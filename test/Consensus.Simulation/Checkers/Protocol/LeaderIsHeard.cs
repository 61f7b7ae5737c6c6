namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>A leader that runs is heard: its turns follow each other so closely that none of its followers takes it for dead, however much there is to apply.</summary>
public static class LeaderIsHeard
{
    public const string Name = "leader is heard";

    /// <summary>The next turn of a leader that was not paused.</summary>
    /// <param name="sinceMicros">Since the turn before it began, in true time.</param>
    public static void Turned(string leader, long sinceMicros, long electionTimeoutMicros) => Violation.Unless(
        sinceMicros <= electionTimeoutMicros / 2, Name, () => $"{leader} leads, and {sinceMicros} µs passed from one of its turns to the next, with an election time-out of {electionTimeoutMicros} µs");
}
