using System.Text.Json.Serialization;

namespace Consensus.Benchmarks.Load;

/// <summary>One system under one workload with one number of clients, once.</summary>
/// <param name="P50Ms">Of the operations that were sent.</param>
/// <param name="P99Ms">This percentile and the next one count the operations too that a client could not send because it waited: <see cref="Consensus.Cli.Bench.LatencyHistogram.Correct"/>.</param>
/// <param name="CpuMicrosecondsPerOperation">Summed over the three servers, user and system; null when nothing completed.</param>
/// <param name="ResidentMiB">Summed over the three servers, at the end of the window.</param>
/// <param name="GeneratorCpuMicrosecondsPerOperation">What the load generator itself took; null when nothing completed.</param>
/// <param name="Elections">By how much the highest term rose since the system was measured last, although no member was ended.</param>
internal sealed record Measurement(
    string System,
    string Workload,
    int Clients,
    int Round,
    double Seconds,
    long Operations,
    double OperationsPerSecond,
    double P50Ms,
    double P99Ms,
    double P999Ms,
    double MaxMs,
    double? CpuMicrosecondsPerOperation,
    double ResidentMiB,
    double? GeneratorCpuMicrosecondsPerOperation,
    long Errors,
    string? FirstError,
    long Elections)
{
    /// <summary>Those outside the window too.</summary>
    public long AllOperations { get; init; }

    /// <summary>The same percentiles of the operations that were sent.</summary>
    public double? SentP99Ms { get; init; }

    public double? SentP999Ms { get; init; }

    /// <summary>Members of the measured cluster.</summary>
    public int Nodes { get; init; } = 1;

    public int ValueBytes { get; init; }

    [JsonIgnore]
    public LoadCase Case => new(Workload, Clients, Nodes, ValueBytes);

    /// <summary>Written to the machine's disks for one operation, by whatever ran; null when nothing completed.</summary>
    public double? DiskBytesPerOperation { get; init; }

    /// <summary>Flushes of the members' logs for one operation, summed; null when nothing completed or a member does not tell.</summary>
    public double? FlushesPerOperation { get; init; }

    /// <summary>Allocated on the managed heaps for one operation, summed over the members; null for a system without one.</summary>
    public double? AllocatedBytesPerOperation { get; init; }

    /// <summary>Share of the time for which garbage collection stopped a member, the mean of the members; null for a system without it.</summary>
    public double? PausedShare { get; init; }
}
