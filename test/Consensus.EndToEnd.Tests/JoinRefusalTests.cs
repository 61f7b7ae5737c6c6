using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>Processes that are started to join a cluster and must not.</summary>
[NonParallelizable]
public sealed class JoinRefusalTests
{
    [Test]
    public async Task A_joiner_with_another_cluster_token_is_refused()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, joining: 1);
        using var stranger = new ServerProcess([.. cluster.ArgumentsOf(1).Select(argument => argument == "e2e" ? "other" : argument)]);
        Assert.That(await stranger.ExitAsync(), Is.EqualTo(1), stranger.Output);
        Assert.That(stranger.Output, Does.Contain("--cluster-token"));
    }

    [Test]
    public async Task A_wiped_member_cannot_join_under_its_name_while_its_old_self_is_a_member()
    {
        await using var cluster = await ProcessCluster.StartAsync(3, joining: 1);
        cluster.Kill(0);
        using var wiped = new ServerProcess([
            "--name", "n1", .. cluster.ArgumentsOf(3).Skip(2).SkipLast(1), $"127.0.0.1:{cluster.PeerPortOf(0)},127.0.0.1:{cluster.PeerPortOf(1)}",
        ]);
        Assert.That(await wiped.ExitAsync(), Is.EqualTo(1), wiped.Output);
        Assert.That(wiped.Output, Does.Contain("has a member n1 with another data directory: if that one is lost, remove it (consensusctl members remove n1)"));
        await cluster.UntilWrittenAsync(1, "/v1/kv/a");
    }
}
