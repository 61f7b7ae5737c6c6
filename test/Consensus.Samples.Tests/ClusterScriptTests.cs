namespace Consensus.Samples.Tests;

/// <summary>What <c>scripts/cluster</c> does for a member whose data is lost, at a shell.</summary>
[NonParallelizable]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ClusterScriptTests
{
    private readonly string _directory = Directory.CreateTempSubdirectory("consensus-script-").FullName;
    private readonly int _basePort = FreePorts.Take([0, 1, 100, 101, 200, 201]);

    private string Endpoints => string.Join(',', Enumerable.Range(0, 3).Select(i => $"127.0.0.1:{_basePort + (100 * i)}"));

    [TearDown]
    public async Task StopAsync()
    {
        await ScriptAsync("stop");
        Directory.Delete(_directory, recursive: true);
    }

    [Test]
    public async Task A_wiped_member_is_brought_back_as_a_voter_by_one_command()
    {
        await DoneAsync($"start --base-port {_basePort}");
        await ShellAsync("consensusctl kv put kept yes");
        var before = await IdsAsync();

        // Its process runs, and its directory is gone.
        Directory.Delete(DataOf("n3"), recursive: true);
        Assert.That((await DoneAsync("rejoin n3")).Output, Does.Contain("1/5  n3 is stopped").And.Contain($"the old n3 ({before["n3"]}) is removed").And.Contain("5/5  n3 votes"));

        // It does not run, and its directory is there.
        await DoneAsync("kill n2");
        Assert.That((await DoneAsync("rejoin n2")).Output, Does.Contain("1/5  n2 does not run").And.Contain("data.old").And.Contain("5/5  n2 votes"));

        // It was removed by hand before, and nothing of it is left.
        await ShellAsync("consensusctl members remove n3");
        await DoneAsync("stop");
        Directory.Delete(DataOf("n3"), recursive: true);
        await ShellAsync($"{Script} restart n1 {Where} && {Script} restart n2 {Where}");
        Assert.That((await DoneAsync("rejoin n3")).Output, Does.Contain("there is no member n3 to remove").And.Contain("5/5  n3 votes"));

        var after = await IdsAsync();
        Assert.That(after.Keys, Is.EquivalentTo(before.Keys));
        Assert.That(after.Where(member => before[member.Key] != member.Value).Select(member => member.Key), Is.EquivalentTo(new[] { "n2", "n3" }), "these are others now");
        var list = await ShellAsync("consensusctl members list");
        Assert.That(list.Output.Split("follower").Length + list.Output.Split("leader").Length - 2, Is.EqualTo(3), $"all of them vote: {list.Output}");
        Assert.That((await ShellAsync("consensusctl kv get kept --raw")).Output, Is.EqualTo("yes"));
        Assert.That((await DoneAsync("restart n3")).Output, Does.Contain("n3 is ready again"), "its settings are those of before");
    }

    [Test]
    public async Task Without_a_majority_of_the_others_nothing_is_done()
    {
        await DoneAsync($"start --base-port {_basePort}");
        await DoneAsync("kill n1");
        var refused = await ScriptAsync("rejoin n3");
        Assert.That(refused.ExitCode, Is.EqualTo(1));
        Assert.That(refused.Error, Does.Contain("n3 cannot rejoin: without it 1 of 3 members run, and 2 are needed to remove it; nothing was done."));
        Assert.That((await DoneAsync("restart n1")).Output, Does.Contain("n1 is ready again"));
        Assert.That(Directory.Exists(DataOf("n3")), Is.True);
        Assert.That((await ScriptAsync("rejoin")).Error, Does.Contain("'rejoin' needs a NAME"));
    }

    private static string Script => $"{BashRun.Root}/scripts/cluster";

    private string Where => $"--dir {_directory}/cluster";

    private string DataOf(string name) => Path.Combine(_directory, "cluster", name, "data");

    private Task<BashRun> ScriptAsync(string arguments) => BashRun.OfAsync($"{Script} {arguments} {Where}", _directory);

    private async Task<BashRun> DoneAsync(string arguments)
    {
        var run = await ScriptAsync(arguments);
        Assert.That(run.ExitCode, Is.Zero, $"{arguments}\n{run.Output}\n{run.Error}");
        return run;
    }

    private async Task<BashRun> ShellAsync(string commands)
    {
        var run = await BashRun.OfAsync(commands, _directory, new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = Endpoints });
        Assert.That(run.ExitCode, Is.Zero, $"{commands}\n{run.Output}\n{run.Error}");
        return run;
    }

    private async Task<Dictionary<string, string>> IdsAsync() =>
        (await ShellAsync("consensusctl members list")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split('\t')).ToDictionary(cells => cells[0], cells => cells[1]);
}
