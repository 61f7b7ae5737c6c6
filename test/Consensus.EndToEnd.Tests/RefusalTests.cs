using System.Net.Sockets;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>Starts that must not happen, and strangers on the ports.</summary>
[NonParallelizable]
public sealed class RefusalTests
{
    [Test]
    public async Task An_initial_cluster_without_this_member_is_refused_on_an_empty_directory()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, joining: 1);
        using var process = new ServerProcess([.. cluster.ArgumentsOf(1).SkipLast(2), "--initial-cluster", $"n1=127.0.0.1:{cluster.PeerPortOf(0)}"]);
        Assert.That(await process.ExitAsync(), Is.EqualTo(2), process.Output);
        Assert.That(process.Output, Does.Contain("--initial-cluster does not name this member, \"n2\"."));
    }

    [Test]
    public async Task A_second_process_on_the_same_data_directory_is_refused()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        using var second = new ServerProcess([.. cluster.ArgumentsOf(0)[..4], "--listen-client", "127.0.0.1:0", "--listen-peer", "127.0.0.1:0", "--cluster-token", "e2e"]);
        Assert.That(await second.ExitAsync(), Is.Not.Zero);
        Assert.That(second.Output, Does.Contain("in use by another process"));
    }

    [Test]
    public async Task A_moved_member_that_the_data_directory_does_not_know_is_refused()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        cluster.Kill(0);
        using var changed = new ServerProcess([.. cluster.ArgumentsOf(0), "--peer-address", "n1=127.0.0.1:1,n2=127.0.0.1:2"]);
        Assert.That(await changed.ExitAsync(), Is.EqualTo(2), changed.Output);
        Assert.That(changed.Output, Does.Contain("--peer-address"));
    }

    [Test]
    public async Task A_strangers_bytes_on_either_port_disturb_nobody()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        var random = new Random(7);
        for (var i = 0; i < 40; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync("127.0.0.1", i % 2 == 0 ? cluster.PeerPortOf(0) : cluster.ClientPortOf(0));
            var bytes = new byte[random.Next(1, 5000)];
            random.NextBytes(bytes);
            try
            {
                await socket.SendAsync(bytes);
            }
            catch (SocketException)
            {
                // Closed on us: that is an answer too.
            }
        }
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/a", "1")).IsOk);
        Assert.That(cluster.Process(0).HasExited, Is.False);
    }
}
