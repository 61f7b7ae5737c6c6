namespace Consensus.Simulation.Clients;

/// <summary>What clients do. Times in microseconds on their own clocks; weights are relative.</summary>
public sealed record ClientOptions
{
    public int Clients { get; init; } = 6;

    /// <summary>Before the name of every key and lock.</summary>
    public string Prefix { get; init; } = "";

    public int Keys { get; init; } = 5;

    public int Locks { get; init; } = 3;

    /// <summary>Mean pause between two operations of a client.</summary>
    /// <summary>Of a hundred operations so many go to a member drawn anew; the others to the one that answered last.</summary>
    public int WanderPercent { get; init; } = 5;

    public long ThinkMicros { get; init; } = 60_000;

    public int PutWeight { get; init; } = 20;

    public int CompareAndSetWeight { get; init; } = 15;

    public int DeleteWeight { get; init; } = 5;

    public int ReadWeight { get; init; } = 25;

    public int StaleReadWeight { get; init; } = 10;

    public int LockWeight { get; init; } = 25;

    /// <summary>Of 100 writes, so many carry an identity under which they are retried.</summary>
    public int IdentityPercent { get; init; } = 70;

    public long ShortestTtl { get; init; } = 1_500_000;

    public long LongestTtl { get; init; } = 8_000_000;

    /// <summary>A client waits so long for an answer, beyond what it asked to wait for a lock.</summary>
    public long ShortestPatience { get; init; } = 300_000;

    public long LongestPatience { get; init; } = 7_000_000;

    public int MaxAttempts { get; init; } = 6;

    /// <summary>Of 100 attempts, so many are held up for seconds in the member that they reached: their clients go on elsewhere.</summary>
    public int HeldUpPercent { get; init; }

    public long ShortestHeldUp { get; init; } = 500_000;

    public long LongestHeldUp { get; init; } = 8_000_000;

    /// <summary>Of 100 attempts without an answer, under an identity, so many are the last: their client withdraws the request.</summary>
    public int WithdrawPercent { get; init; }

    /// <summary>Of 100 attempts that wait in a line, under an identity, so many lose their connection meanwhile.</summary>
    public int BreakPercent { get; init; }

    /// <summary>One way between a client and a member.</summary>
    public long DelayMicros { get; init; } = 300;
}
