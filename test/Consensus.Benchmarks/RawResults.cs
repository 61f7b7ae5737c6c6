using System.Text.Json;
using System.Text.Json.Serialization;
using Consensus.Benchmarks.Bulk;
using Consensus.Benchmarks.Failover;
using Consensus.Benchmarks.Library;
using Consensus.Benchmarks.Limits;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Memory;
using Consensus.Benchmarks.Restart;
using Consensus.Benchmarks.Scale;
using Consensus.Benchmarks.Streams;
using Consensus.Benchmarks.Watch;

namespace Consensus.Benchmarks;

/// <summary>Every single measurement of a run, for a closer look than the medians give. What was not asked for is empty.</summary>
/// <param name="Versions">Of the systems beside ours: "etcd 3.4.23".</param>
internal sealed record RawResults(
    DateTimeOffset Started, int Processors, string OperatingSystem, string Runtime, IReadOnlyList<string> Versions)
{
    public IReadOnlyList<Measurement> Load { get; init; } = [];

    public IReadOnlyList<FailoverSample> Failover { get; init; } = [];

    public IReadOnlyList<ScaleFinding> Scale { get; init; } = [];

    public IReadOnlyList<MemorySample> Memory { get; init; } = [];

    public IReadOnlyList<WatchSample> Watch { get; init; } = [];

    public IReadOnlyList<BulkSample> Bulk { get; init; } = [];

    public IReadOnlyList<RestartSample> Restart { get; init; } = [];

    /// <summary>Of the library beside plain requests; not of a system each.</summary>
    public IReadOnlyList<LibrarySample> Library { get; init; } = [];

    public IReadOnlyList<WaitSample> Wait { get; init; } = [];

    public IReadOnlyList<StreamsSample> Streams { get; init; } = [];

    public IReadOnlyList<Measurement> EmptyEndpoint { get; init; } = [];

    public DiskFlush? DiskFlush { get; init; }

    public void WriteTo(string file)
    {
        using var stream = File.Create(file);
        JsonSerializer.Serialize(stream, this, RawResultsJson.Default.RawResults);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RawResults))]
[JsonSerializable(typeof(PoolTask))]
[JsonSerializable(typeof(Measurement))]
internal sealed partial class RawResultsJson : JsonSerializerContext;
