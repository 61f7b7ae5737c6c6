namespace Consensus.Benchmarks.Load;

/// <summary>One system under one workload with one number of clients, once.</summary>
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
    double MaxMs,
    double? CpuMicrosecondsPerOperation,
    double ResidentMiB,
    double? GeneratorCpuMicrosecondsPerOperation,
    long Errors,
    string? FirstError,
    long Elections);
