using System.Text;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Scale;

/// <summary>Whoever holds so many leases, all of one TTL.</summary>
internal sealed class LeaseOwner(string host, int leases, int ttlSeconds)
{
    private const int BatchSize = 1_000;

    private readonly List<string> _ids = new(leases);

    /// <summary>Whole requests, one for each batch; made once.</summary>
    private List<byte[]>? _renewals;

    /// <summary>Of the leases that were granted.</summary>
    public IReadOnlyList<string> Ids => _ids;

    public long Dead { get; private set; }

    /// <summary>So many owners, each at one of the members, who have so many leases together.</summary>
    public static List<LeaseOwner> Many(LocalCluster cluster, int owners, int leases, int ttlSeconds) => [.. Enumerable.Range(0, owners).Select(index =>
        new LeaseOwner(cluster.Hosts[index % cluster.Hosts.Count], (leases / owners) + (index < leases % owners ? 1 : 0), ttlSeconds))];

    public IClientScript Granting() => new GrantScript(this, RequestWriter.Build("POST", "/v1/leases", host, $"{{\"ttl\":\"{ttlSeconds}s\"}}"));

    public IClientScript Renewing() => new RenewScript(this, _renewals ??= [.. _ids.Chunk(BatchSize).Select(batch => RequestWriter.Build(
        "POST", "/v1/leases/keepalive", host, $"{{\"ids\":[\"{string.Join("\",\"", batch)}\"]}}"))]);

    private sealed class GrantScript(LeaseOwner owner, byte[] request) : IClientScript
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

    private sealed class RenewScript(LeaseOwner owner, List<byte[]> requests) : IClientScript
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
