namespace Consensus.Cli.Tests.Members;

internal sealed class SettingCommandTests
{
    [Test]
    public async Task A_setting_is_shown_set_and_reset()
    {
        Assert.That(await Member.RowsAsync("settings", "show", "max-fences"), Is.EqualTo(new[] { new[] { "max-fences", "1000000", "1000000", "1000", "10000000" } }));
        Assert.That((await Member.RowsAsync("settings", "set", "max-fences", "2000000"))[0][1], Is.EqualTo("2000000"));
        Assert.That((await Member.JsonAsync("settings", "show", "max-fences"))["value"]!.GetValue<long>(), Is.EqualTo(2_000_000));
        Assert.That((await Member.RowsAsync("settings", "reset", "max-fences"))[0][1], Is.EqualTo("1000000"));
    }

    [Test]
    public async Task Sizes_and_times_are_written_as_people_write_them()
    {
        Assert.That((await Member.RowsAsync("settings", "set", "history-bytes", "256MiB"))[0][1], Is.EqualTo("256MiB"));
        Assert.That((await Member.RowsAsync("settings", "set", "history-ms", "1h"))[0][1], Is.EqualTo("1h"));
        var all = await Member.RowsAsync("settings", "show");
        Assert.That(all.Select(row => row[0]), Does.Contain("quota-bytes").And.Contain("max-leases"));
        Assert.That(all.Single(row => row[0] == "history-bytes")[1..3], Is.EqualTo(new[] { "256MiB", "128MiB" }));
        Assert.That((await Member.JsonAsync("settings", "show"))["items"]!.AsArray(), Has.Count.EqualTo(all.Length));
        await Member.RowsAsync("settings", "reset", "history-bytes");
        Assert.That((await Member.RowsAsync("settings", "reset", "history-ms"))[0][1], Is.EqualTo("5m"));
    }

    [TestCase("quota-bytes", "many", "needs a size")]
    [TestCase("history-ms", "1GiB", "needs a duration")]
    [TestCase("max-leases", "1h", "needs a whole number")]
    [TestCase("quota-bytes", "1", "256MiB to 1TiB")]
    [TestCase("quota-bytes", "", "VALUE is empty")]
    public async Task A_value_that_makes_no_sense_is_exit_2(string name, string value, string sentence)
    {
        var run = await Member.RunAsync("settings", "set", name, value);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.Contain(sentence));
    }

    [Test]
    public async Task A_setting_that_there_is_not_is_exit_1()
    {
        Assert.That(await Member.RefusedAsync("settings", "show", "quota"), Does.Contain("no setting"));
        await Member.RefusedAsync("settings", "set", "quota", "8GiB");
        await Member.RefusedAsync("settings", "reset", "quota");
    }
}
