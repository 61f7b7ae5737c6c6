namespace Consensus.Benchmarks.Watch;

/// <summary>One round of puts under the eyes of many watchers.</summary>
/// <param name="P50Ms">From sending a put until the last watcher has its event; the others are of the same times.</param>
/// <param name="CpuMicrosecondsPerEvent">Of all members, for one event at one watcher, the put's share included.</param>
internal sealed record WatchSample(
    string System,
    int Round,
    int Watchers,
    int Puts,
    double OpeningMs,
    double P50Ms,
    double P99Ms,
    double MaxMs,
    double CpuMicrosecondsPerEvent);
