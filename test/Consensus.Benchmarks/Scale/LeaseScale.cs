using System.Diagnostics;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// Many leases, each with one of a few hundred owners, which renew theirs in batches every third of the TTL, until every lease has outlived its
/// first deadline. A lease that a renewal finds dead missed its deadline though its owner was in time.
/// </summary>
internal sealed class LeaseScale(LocalCluster cluster, int count)
{
    private const int Owners = 64;
    private const int BatchSize = 1_000;
    private const int TtlSeconds = 180;
    private const int Rounds = 4;
    private static readonly TimeSpan RoundLength = TimeSpan.FromSeconds(TtlSeconds / 3.0);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public IEnumerable<ScaleFinding> Run()
    {
        var owners = Enumerable.Range(0, Owners)
            .Select(index => new Owner(cluster.Hosts[index % cluster.Hosts.Count], (count / Owners) + (index < count % Owners ? 1 : 0)))
            .ToList();
        var started = Stopwatch.GetTimestamp();
        Drive(owners.ConvertAll(owner => owner.Granting()));
        var granting = Stopwatch.GetElapsedTime(started);
        Progress.Say(string.Create(CultureInfo.InvariantCulture, $"leases: {count} granted in {granting.TotalSeconds:0.0} s"));
        var busy = new List<double>();
        var cpuBefore = cluster.CpuTime();
        for (var round = 1; round <= Rounds; round++)
        {
            var begin = Stopwatch.GetTimestamp();
            Drive(owners.ConvertAll(owner => owner.Renewing()));
            var took = Stopwatch.GetElapsedTime(begin);
            busy.Add(took.TotalSeconds);
            Progress.Say(string.Create(CultureInfo.InvariantCulture, $"leases: round {round} of {Rounds}: all renewed in {took.TotalSeconds:0.0} s"));
            if (took < RoundLength)
            {
                Thread.Sleep(RoundLength - took);
            }
        }

        var cpu = cluster.CpuTime() - cpuBefore;
        var status = ControlClient.TryGetJson($"http://{cluster.Hosts[0]}/v1/status") ?? throw new BenchException("no status");
        yield return new ScaleFinding("leases", "leases alive at the end", status.GetProperty("leases").GetInt64(), $"all of {count}");
        yield return new ScaleFinding("leases", "leases found dead at a renewal", owners.Sum(owner => owner.Dead), "0");
        yield return new ScaleFinding("leases", "seconds to renew all once (of 60 between)", Statistics.Median(busy));
        yield return new ScaleFinding("leases", "CPU us per renewal, three members", cpu.TotalMicroseconds / ((double)count * Rounds));
        yield return new ScaleFinding("leases", "largest member's RSS, MiB", cluster.LargestResidentBytes() / (1024.0 * 1024.0));
    }

    private void Drive(List<IClientScript> scripts)
    {
        using var generator = new LoadGenerator(cluster.Endpoints, scripts);
        var result = generator.Run(TimeSpan.Zero, Limit);
        if (result.Errors > 0)
        {
            throw new BenchException($"leases: {result.Errors} errors; {result.FirstError}");
        }
    }

    private sealed class Owner(string host, int leases)
    {
        private readonly List<string> _ids = new(leases);

        /// <summary>Whole requests, one for each batch; made once.</summary>
        private List<byte[]>? _renewals;

        public long Dead { get; private set; }

        public IClientScript Granting() => new GrantScript(this, RequestWriter.Build("POST", "/v1/leases", host, $"{{\"ttl\":\"{TtlSeconds}s\"}}"));

        public IClientScript Renewing() => new RenewScript(this, _renewals ??= [.. _ids.Chunk(BatchSize).Select(batch => RequestWriter.Build(
            "POST", "/v1/leases/keepalive", host, $"{{\"ids\":[\"{string.Join("\",\"", batch)}\"]}}"))]);

        private sealed class GrantScript(Owner owner, byte[] request) : IClientScript
        {
            private static ReadOnlySpan<byte> Id => "\"id\":\""u8;

            private int _left = owner.Size;

            public int NextRequest(Span<byte> target, bool stopping) => stopping || _left == 0 ? 0 : RequestWriter.Copy(request, target);

            public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
            {
                var at = body.IndexOf(Id);
                if (status != 201 || at < 0)
                {
                    return StepOutcome.Failed;
                }

                var text = body[(at + Id.Length)..];
                owner._ids.Add(Encoding.ASCII.GetString(text[..text.IndexOf((byte)'"')]));
                _left--;
                return StepOutcome.Completed;
            }
        }

        private sealed class RenewScript(Owner owner, List<byte[]> requests) : IClientScript
        {
            private int _next;

            public int RequestCapacity => 64 * 1024;

            public int NextRequest(Span<byte> target, bool stopping) =>
                stopping || _next == requests.Count ? 0 : RequestWriter.Copy(requests[_next++], target);

            public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
            {
                owner.Dead += body.Count("\"alive\":false"u8);
                return status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
            }
        }

        private int Size => leases;
    }
}
