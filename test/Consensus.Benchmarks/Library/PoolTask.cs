using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Library;

/// <summary>What a process of its own is to do: put or lock with many tasks on the thread pool, and tell how that went.</summary>
/// <param name="Endpoints">Client addresses of all members, as <c>http://address:port</c>.</param>
/// <param name="ServerIds">The members' processes, whose processor time is told.</param>
/// <param name="Answer">The file that the measurement is written to.</param>
internal sealed record PoolTask(
    Speaker Speaker,
    Workload Workload,
    int Clients,
    int Round,
    string Run,
    int ValueBytes,
    double WarmUpSeconds,
    double Seconds,
    IReadOnlyList<string> Endpoints,
    IReadOnlyList<int> ServerIds,
    string Answer);
