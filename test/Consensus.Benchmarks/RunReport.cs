using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Bulk;
using Consensus.Benchmarks.Failover;
using Consensus.Benchmarks.Library;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Memory;
using Consensus.Benchmarks.Restart;
using Consensus.Benchmarks.Saturation;
using Consensus.Benchmarks.Scale;
using Consensus.Benchmarks.Streams;
using Consensus.Benchmarks.Watch;

namespace Consensus.Benchmarks;

/// <summary>What a run found, as tables with a sentence each.</summary>
internal static class RunReport
{
    public static string Write(BenchOptions options, RawResults results)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"{results.Started:yyyy-MM-dd HH:mm}, {results.Processors} cores, {results.OperatingSystem}, {results.Runtime}");
        text.AppendJoin("", results.Versions.Select(version => ", " + version)).Append("\n\n");
        if (results.Load.Count > 0)
        {
            var rounds = options.Mode == BenchMode.Saturation ? "the minutes" : string.Create(CultureInfo.InvariantCulture, $"{options.Rounds} alternate rounds of {options.Seconds} s");
            var setting = LoadCase.HasVariants(results.Load)
                ? "Members on loopback"
                : string.Create(CultureInfo.InvariantCulture, $"Members on loopback: {options.Nodes}; {options.ValueBytes}-byte values");
            text.Append(
                CultureInfo.InvariantCulture,
                $"{setting}; durable writes, medians of {rounds}; CPU, RSS, flushes, bytes summed over the members.\n\n");
            text.Append(LoadReport.Write(results.Load, options.Systems)).Append('\n');
        }

        if (options.Mode == BenchMode.Saturation)
        {
            text.Append(SaturationRun.Report(results.Load)).Append('\n');
        }

        if (results.Failover.Count > 0)
        {
            text.Append("kill: from kill -9 of the leader to the next acknowledged write through a survivor. stop: the longest time without one, from SIGTERM until the leader is gone.\n\n");
            text.Append(FailoverRun.Report(results.Failover)).Append('\n');
        }

        if (results.Scale.Count > 0)
        {
            text.Append(ScaleRun.Report(results.Scale)).Append('\n');
        }

        if (results.Restart.Count > 0)
        {
            text.Append("All members are ended with kill -9 and started together. Times from the first start.\n\n");
            text.Append(RestartRun.Report(results.Restart)).Append('\n');
        }

        if (results.Memory.Count > 0)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"Members on loopback: {options.Nodes}; {options.ValueBytes}-byte values, every key written equally often, each system with its default settings for history.\n\n");
            text.Append(MemoryRun.Report(results.Memory)).Append('\n');
        }

        if (results.Watch.Count > 0)
        {
            text.Append("From sending a put through one member until the last watcher at another has its event; medians of the rounds; CPU of all members for one event at one watcher.\n\n");
            text.Append(WatchRun.Report(results.Watch)).Append('\n');
        }

        if (results.Bulk.Count > 0)
        {
            text.Append("Renewals every fifth of the TTL, from when each was due until its answer, beside clients that put, one after the other. Full collections and their stops in the round; the longest since the start.\n\n");
            text.Append(BulkReport.Write(results.Bulk)).Append('\n');
        }

        if (results.Library.Count > 0)
        {
            text.Append(LibraryReport.Write(options, results.Library)).Append('\n');
        }

        if (results.Wait.Count > 0)
        {
            text.Append(LibraryReport.Write(results.Wait)).Append('\n');
        }

        if (results.Streams.Count > 0)
        {
            text.Append(StreamsReport.Write(options, results.Streams)).Append('\n');
        }

        if (results.DiskFlush is { } disk)
        {
            text.Append("Limits: an empty Kestrel endpoint under the same generator, and 4 KiB writes with fdatasync, one after another.\n\n");
            text.Append(LoadReport.Write(results.EmptyEndpoint, [])).Append('\n');
            text.Append(
                CultureInfo.InvariantCulture,
                $"fdatasync: {disk.FlushesPerSecond:0} a second, p50 {disk.P50Ms:0.00} ms, p99 {disk.P99Ms:0.00} ms\n");
        }

        return text.ToString();
    }
}
