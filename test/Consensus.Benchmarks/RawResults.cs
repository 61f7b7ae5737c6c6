using System.Text.Json;
using System.Text.Json.Serialization;
using Consensus.Benchmarks.Failover;
using Consensus.Benchmarks.Limits;
using Consensus.Benchmarks.Load;

namespace Consensus.Benchmarks;

/// <summary>Every single measurement of a run, for a closer look than the medians give.</summary>
internal sealed record RawResults(
    DateTimeOffset Started,
    int Processors,
    string OperatingSystem,
    string Runtime,
    string? EtcdVersion,
    IReadOnlyList<Measurement> Load,
    IReadOnlyList<FailoverSample> Failover,
    IReadOnlyList<Measurement> EmptyEndpoint,
    DiskFlush? DiskFlush)
{
    public void WriteTo(string file)
    {
        using var stream = File.Create(file);
        JsonSerializer.Serialize(stream, this, RawResultsJson.Default.RawResults);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(RawResults))]
internal sealed partial class RawResultsJson : JsonSerializerContext;
