namespace Consensus.Cli.Tests.Members;

internal sealed class FenceCommandTests
{
    [Test]
    public async Task A_token_passes_until_a_higher_one_has_passed()
    {
        var old = (await Member.RowsAsync("lock", "acquire", "f/a"))[0][3];
        await Member.RowsAsync("lock", "release", "f/a", old);
        var young = (await Member.RowsAsync("lock", "acquire", "f/a"))[0][3];

        Assert.That(await Member.RowsAsync("fence", "check", "store/1", old), Is.EqualTo(new[] { new[] { "store/1", old } }));
        Assert.That(await Member.RowsAsync("fence", "check", "store/1", young), Is.EqualTo(new[] { new[] { "store/1", young } }));
        Assert.That(await Member.RefusedAsync("fence", "check", "store/1", old), Does.Contain(young));
        Assert.That(await Member.RowsAsync("fence", "check", "store/1", young), Is.EqualTo(new[] { new[] { "store/1", young } }));
        Assert.That((await Member.JsonAsync("fence", "show", "store/1"))["highestToken"]!.ToString(), Is.EqualTo(young));
    }

    [Test]
    public async Task A_token_of_a_shared_hold_is_refused_by_name()
    {
        var token = (await Member.RowsAsync("lock", "acquire", "f/shared", "--mode", "shared"))[0][3];
        var run = await Member.RunAsync("fence", "check", "store/3", token);
        Assert.That(run.Error, Does.Contain("shared hold of the lock \"f/shared\""));
        Assert.That(run.ExitCode, Is.EqualTo(2));
    }

    [Test]
    public async Task A_token_that_nobody_was_given_is_exit_2_and_an_unknown_resource_exit_1()
    {
        var run = await Member.RunAsync("fence", "check", "store/2", "900000000");
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        await Member.RefusedAsync("fence", "show", "store/2");
    }
}
