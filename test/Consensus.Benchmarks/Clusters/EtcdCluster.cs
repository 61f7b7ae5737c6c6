using System.Globalization;
using System.Text.Json;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.Etcd;

namespace Consensus.Benchmarks.Clusters;

/// <summary>Members of etcd as its package installs it, with its default settings: durable writes, 100 ms heartbeats, 1 s election time-out.</summary>
internal sealed class EtcdCluster(string program, string directory, int size) : LocalCluster(program, directory, size)
{
    public override string Name => "etcd";

    public override string FlushMetric => "etcd_disk_wal_fsync_duration_seconds_count";

    public override IScriptSource Scripts { get; } = new EtcdScripts();

    protected override IEnumerable<string> Arguments(int member, string dataDirectory)
    {
        var peer = Address(PeerPorts[member]);
        var client = Address(ClientPorts[member]);
        return
        [
            "--name", MemberName(member),
            "--data-dir", dataDirectory,
            "--listen-client-urls", client,
            "--advertise-client-urls", client,
            "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer,
            "--initial-cluster", string.Join(',', PeerPorts.Select((port, index) => $"{MemberName(index)}={Address(port)}")),
            "--initial-cluster-state", "new",
            "--initial-cluster-token", "bench",
            "--logger", "zap",
            "--log-outputs", "stderr",
            "--log-level", "warn",
        ];
    }

    protected override bool IsServing(string host) => ControlClient.IsSuccess($"http://{host}/health");

    protected override MemberStatus? TryStatus(string host)
    {
        if (ControlClient.TryPostJson($"http://{host}/v3/maintenance/status", "{}") is not { } status)
        {
            return null;
        }

        // The gateway leaves out what is zero: without a leader there is no "leader".
        var id = status.GetProperty("header").GetProperty("member_id").GetString();
        var leader = status.TryGetProperty("leader", out var value) ? value.GetString() : null;
        return new MemberStatus(long.Parse(Text(status, "raftTerm"), CultureInfo.InvariantCulture), leader == id);
    }

    private static string Text(JsonElement status, string name) =>
        status.TryGetProperty(name, out var value) ? value.GetString() ?? "0" : "0";

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
