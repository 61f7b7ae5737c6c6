using System.Globalization;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.Consensusd;

namespace Consensus.Benchmarks.Clusters;

/// <summary>Members of <c>consensusd</c> with its default settings.</summary>
/// <param name="name">Under which it is reported.</param>
internal class ConsensusCluster(string program, string directory, int size, string name = "consensus")
    : LocalCluster(program, directory, size)
{
    /// <summary>Of every member, besides those that it needs.</summary>
    public IReadOnlyList<string> MoreArguments { get; init; } = [];

    public override string Name => name;

    public override string FlushMetric => "consensus_log_flushes_total";

    public override IScriptSource Scripts { get; } = new ConsensusScripts();

    protected override IEnumerable<string> Arguments(int member, string dataDirectory) =>
    [
        "--name", MemberName(member),
        "--data-dir", dataDirectory,
        "--listen-client", Address(ClientPorts[member]),
        "--listen-peer", Address(PeerPorts[member]),
        "--cluster-token", "bench",
        "--initial-cluster", string.Join(',', PeerPorts.Select((port, index) => $"{MemberName(index)}={Address(port)}")),
        .. MoreArguments,
    ];

    protected override bool IsServing(string host) => ControlClient.IsSuccess(Url(host, "/readyz"));

    protected override MemberStatus? TryStatus(string host)
    {
        if (ControlClient.TryGetJson(Url(host, "/v1/status")) is not { } status)
        {
            return null;
        }

        return status.TryGetProperty("term", out var term) && status.TryGetProperty("role", out var role)
            ? new MemberStatus(term.GetInt64(), string.Equals(role.GetString(), "leader", StringComparison.OrdinalIgnoreCase))
            : throw new BenchException($"/v1/status of {host} names no term or no role: {status.GetRawText()}");
    }

    /// <summary>Makes a part of the policy.</summary>
    protected void Define(string what, string body)
    {
        if (!ControlClient.TryPut(Url(Hosts[0], $"/v1/auth/{what}"), body))
        {
            throw new BenchException($"{Name}: {what} could not be made");
        }
    }

    /// <summary>A role that may do whatever is measured.</summary>
    protected void DefineLoadRole() => Define("roles/load", """
        {"rules":[{"verbs":["read","write","hold"],"spaces":["keys","locks","semaphores","elections","fences"],"prefix":""}]}
        """);

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
}
