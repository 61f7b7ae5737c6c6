using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Consensus.Chaos.Machines;

namespace Consensus.Chaos.Runs;

/// <summary>The members, the network between them, and the disk of the first.</summary>
internal sealed class ChaosCluster : IDisposable
{
    private readonly string _directory;

    public ChaosCluster(int members, string directory)
    {
        _directory = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"consensus-chaos-{Environment.ProcessId}"));
        Directory.CreateDirectory(_directory);
        Network = new Network(members);
        var ports = Network.IsCuttable ? [.. Enumerable.Repeat(7379, members)] : FreePorts(2 * members);
        int PeerPort(int i) => Network.IsCuttable ? 7380 : ports[members + i];
        var initial = string.Join(',', Enumerable.Range(0, members).Select(i => $"n{i + 1}={Network.AddressOf(i)}:{PeerPort(i)}"));
        Members = [.. Enumerable.Range(0, members).Select(i => new Member(
            $"n{i + 1}",
            Network.AddressOf(i),
            ports[i],
            _directory,
            Network.Within(i),
            [
                "--name", $"n{i + 1}",
                "--data-dir", Path.Combine(_directory, $"n{i + 1}", "data"),
                "--listen-client", $"{Network.AddressOf(i)}:{ports[i]}",
                "--listen-peer", $"{Network.AddressOf(i)}:{PeerPort(i)}",
                "--cluster-token", "chaos",
                "--initial-cluster", initial,
                "--snapshot-entries", "400",
                "--min-ttl", "100ms",
                .. Network.IsCuttable ? ["--insecure"] : Array.Empty<string>(),
            ]))];
        Disk = new SmallDisk(Members[0].Data);
    }

    public Network Network { get; }

    public IReadOnlyList<Member> Members { get; }

    /// <summary>Of the first member.</summary>
    public SmallDisk Disk { get; }

    public string Kept => _directory;

    /// <summary>Set before disposing, so that data and logs stay for whoever looks into a failure.</summary>
    public bool KeepsFiles { get; set; }

    public void Heal()
    {
        Network.Heal();
        Disk.Empty();
        foreach (var member in Members)
        {
            member.Thaw();
            member.Start();
        }
    }

    public void Dispose()
    {
        foreach (var member in Members)
        {
            member.Kill();
            if (KeepsFiles)
            {
                File.WriteAllText(Path.Combine(_directory, member.Name + ".log"), member.Output);
            }
        }
        Network.Dispose();
        if (!KeepsFiles)
        {
            Disk.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }

    private static int[] FreePorts(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        sockets.ForEach(s => s.Bind(new IPEndPoint(IPAddress.Loopback, 0)));
        int[] ports = [.. sockets.Select(s => ((IPEndPoint)s.LocalEndPoint!).Port)];
        sockets.ForEach(s => s.Dispose());
        return ports;
    }
}
