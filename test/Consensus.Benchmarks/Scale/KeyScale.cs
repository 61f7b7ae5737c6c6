using System.Diagnostics;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Workloads;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Scale;

/// <summary>Many keys of 256 bytes: memory of a member, puts while members take snapshots of them, and a member's restart.</summary>
internal sealed class KeyScale(LocalCluster cluster, int count)
{
    private const int FillingClients = 128;
    private const int PuttingClients = 16;
    private const string Gap = "scale/key-@@@@@@@@";
    private static readonly TimeSpan FillLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PutWindow = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RestartLimit = TimeSpan.FromMinutes(3);

    public IEnumerable<ScaleFinding> Run()
    {
        var started = Stopwatch.GetTimestamp();
        Drive(FillingClients, TimeSpan.Zero, FillLimit, (host, index) => new SequentialPuts(Template(host), index, FillingClients, count));
        Progress.Say(string.Create(CultureInfo.InvariantCulture, $"keys: {count} written in {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s"));
        yield return new ScaleFinding("keys", "largest member's RSS after the fill, MiB", LargestResidentMiB());
        var before = SnapshotIndexes();
        var result = Drive(PuttingClients, TimeSpan.FromSeconds(2), PutWindow, (host, index) => new RandomPuts(Template(host), index, count));
        var latency = result.Latency.Correct();
        var snapshots = SnapshotIndexes().Zip(before).Count(pair => pair.First > pair.Second);
        yield return new ScaleFinding("keys", "members that took a snapshot meanwhile, of 3", snapshots);
        yield return new ScaleFinding("keys", $"puts a second meanwhile, {PuttingClients} clients", result.Operations / result.Window.TotalSeconds);
        yield return new ScaleFinding("keys", "put p99 meanwhile, ms", latency.At(0.99).TotalMilliseconds);
        yield return new ScaleFinding("keys", "put p99.9 meanwhile, ms", latency.At(0.999).TotalMilliseconds, "at most 50");
        yield return new ScaleFinding("keys", "longest put meanwhile, ms", result.Latency.Max.TotalMilliseconds);
        yield return new ScaleFinding("keys", "largest member's RSS, MiB", LargestResidentMiB(), "at most 1,229");
        yield return new ScaleFinding("keys", "seconds from a member's start to readyz", Restart().TotalSeconds, "at most 15");
        yield return new ScaleFinding("keys", "RSS of the restarted member, MiB", cluster.ResidentBytesOf(Restarted) / (1024.0 * 1024.0), "at most 1,229");
    }

    private int Restarted { get; set; }

    private TimeSpan Restart()
    {
        Restarted = (cluster.WaitForLeader() + 1) % cluster.Size;
        cluster.KillMember(Restarted);
        cluster.WaitUntilGone(Restarted);
        var started = Stopwatch.GetTimestamp();
        cluster.StartMember(Restarted);
        cluster.WaitUntilAllServe(RestartLimit);
        return Stopwatch.GetElapsedTime(started);
    }

    private double LargestResidentMiB() => cluster.LargestResidentBytes() / (1024.0 * 1024.0);

    private List<long> SnapshotIndexes() => [.. cluster.Hosts.Select(host =>
        (ControlClient.TryGetJson($"http://{host}/v1/status") ?? throw new BenchException("keys: no status")).GetProperty("snapshotIndex").GetInt64())];

    private LoadResult Drive(int clients, TimeSpan warmUp, TimeSpan window, Func<string, int, IClientScript> script)
    {
        var scripts = Enumerable.Range(0, clients).Select(index => script(cluster.Hosts[index % cluster.Hosts.Count], index)).ToList();
        using var generator = new LoadGenerator(cluster.Endpoints, scripts);
        var result = generator.Run(warmUp, window);
        return result.Errors == 0 ? result : throw new BenchException($"keys: {result.Errors} errors; {result.FirstError}");
    }

    private static RequestTemplate Template(string host) => new(RequestWriter.Build("PUT", $"/v1/kv/{Gap}", host, KeySpace.Value), Gap);

    private static int WriteKey(RequestTemplate template, int index, Span<byte> request)
    {
        Span<byte> key = stackalloc byte[Gap.Length];
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"scale/key-{index:00000000}"), key);
        return template.Write(key, request);
    }

    private sealed class SequentialPuts(RequestTemplate template, int first, int step, int count) : IClientScript
    {
        private int _next = first;

        public int NextRequest(Span<byte> request, bool stopping)
        {
            if (stopping || _next >= count)
            {
                return 0;
            }

            var length = WriteKey(template, _next, request);
            _next += step;
            return length;
        }

        public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) => status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
    }

    private sealed class RandomPuts(RequestTemplate template, int seed, int count) : IClientScript
    {
        private readonly DeterministicRandom _random = new((ulong)seed + 1);

        public int NextRequest(Span<byte> request, bool stopping) => stopping ? 0 : WriteKey(template, (int)_random.Next(count), request);

        public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) => status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
    }
}
