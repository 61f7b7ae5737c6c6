namespace Consensus.Simulation.Watches;

/// <summary>Who watches, and how little a member keeps for watches; small numbers make the rare paths common.</summary>
public sealed record WatcherOptions
{
    /// <summary>Clients that do nothing but watch; 0 for none.</summary>
    public int Watchers { get; init; }

    /// <summary>Messages that a member keeps encoded, of all its watches together; older ones are read from the history.</summary>
    public int KeptMessages { get; init; } = 16_384;

    /// <summary>The same in bytes.</summary>
    public long KeptBytes { get; init; } = 32 << 20;

    /// <summary>A member writes so many bytes to a watch before it waits for it to take them.</summary>
    public int StepBytes { get; init; } = 64 << 10;

    /// <summary>Changes of the history that are looked at before a newer view is.</summary>
    public int StepChanges { get; init; } = 20_000;

    /// <summary>A watcher stays at one member for so long on average, in microseconds.</summary>
    public long StayMicros { get; init; } = 5_000_000;

    /// <summary>A slow watcher takes a batch of messages in so long at most, in microseconds.</summary>
    public long SlowestTakeMicros { get; init; } = 1_000_000;
}
