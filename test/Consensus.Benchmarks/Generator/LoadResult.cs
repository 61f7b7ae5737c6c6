namespace Consensus.Benchmarks.Generator;

/// <summary>What the measured window brought.</summary>
/// <param name="Window">How long the window really was.</param>
/// <param name="Operations">Operations completed inside the window.</param>
/// <param name="AllOperations">Those outside the window too.</param>
/// <param name="Errors">Operations failed and connections lost, from the first request to the last, warm-up included.</param>
/// <param name="FirstError">The first of them in words, or null.</param>
/// <param name="Latency">From an operation's first request to its last answer.</param>
/// <param name="GeneratorCpu">Processor time that the generator itself took inside the window.</param>
internal sealed record LoadResult(
    TimeSpan Window,
    long Operations,
    long AllOperations,
    long Errors,
    string? FirstError,
    LatencyHistogram Latency,
    TimeSpan GeneratorCpu);
