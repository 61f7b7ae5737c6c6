using System.Text.Json;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Library;

/// <summary>
/// The part of this program that runs as a process of its own, with the runtime's usual settings and not the generator's: a library is
/// compiled and collected there as in the programs
/// that use it, and its processor time is its own.
/// </summary>
internal static class PoolProgram
{
    /// <summary>The hidden command; a <see cref="PoolTask"/> as JSON follows.</summary>
    public const string Command = "pool-load";

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);

    /// <summary>In the process of its own.</summary>
    public static void Run(string json)
    {
        var task = JsonSerializer.Deserialize(json, RawResultsJson.Default.PoolTask) ?? throw new BenchException("no task was given");
        KeySpace.UseValuesOf(task.ValueBytes);
        var cpuBefore = TimeSpan.Zero;
        var cpu = TimeSpan.Zero;
        var resident = 0L;
        using IPoolSpeaker speaker = task.Speaker == Speaker.Library ? new LibrarySpeaker(task) : new HttpClientSpeaker(task);
        var result = new PoolLoad(speaker, task.Workload, task.Clients).Run(
            TimeSpan.FromSeconds(task.WarmUpSeconds),
            TimeSpan.FromSeconds(task.Seconds),
            () => cpuBefore = CpuTime(task),
            () =>
            {
                cpu = CpuTime(task) - cpuBefore;
                resident = task.ServerIds.Sum(id => ServerProcess.MemoryOf(id).Resident);
            });
        var measured = Measurer.Describe(
            SpeakerNames.NameOf(task.Speaker), WorkloadNames.NameOf(task.Workload), task.Clients, task.Round, result, cpu, resident);
        using var file = File.Create(task.Answer);
        JsonSerializer.Serialize(file, measured, RawResultsJson.Default.Measurement);
    }

    /// <summary>Starts such a process, and waits for its measurement.</summary>
    public static Measurement Measure(PoolTask task, string directory)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Consensus.Benchmarks");
        var environment = new Dictionary<string, string> { ["DOTNET_TieredCompilation"] = "1", ["DOTNET_gcConcurrent"] = "1" };
        using var process = ServerProcess.Start(
            program,
            [Command, JsonSerializer.Serialize(task, RawResultsJson.Default.PoolTask)],
            Path.Combine(directory, "pool-load.log"),
            environment);
        var length = TimeSpan.FromSeconds(task.WarmUpSeconds + task.Seconds);
        if (!process.WaitUntilGone(length + EndLimit) || !File.Exists(task.Answer))
        {
            throw new BenchException(
                $"{SpeakerNames.NameOf(task.Speaker)}: no measurement was told. The end of its log:\n{process.LogTail()}");
        }

        using var file = File.OpenRead(task.Answer);
        return JsonSerializer.Deserialize(file, RawResultsJson.Default.Measurement) ?? throw new BenchException("the measurement is empty");
    }

    private static TimeSpan CpuTime(PoolTask task) =>
        task.ServerIds.Aggregate(TimeSpan.Zero, (sum, id) => sum + ServerProcess.CpuTimeOf(id));
}
