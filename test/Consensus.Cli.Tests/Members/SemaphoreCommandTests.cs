using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

internal sealed class SemaphoreCommandTests
{
    [Test]
    public async Task Permits_are_taken_shown_listed_and_given_back()
    {
        var two = await Member.RowsAsync("semaphore", "acquire", "s/a", "--permits", "3", "--count", "2", "--owner", "x", "--ttl", "5m");
        await Member.RowsAsync("semaphore", "acquire", "s/a", "--permits", "3", "--owner", "y", "--ttl", "5m");
        var shown = await Member.RowsAsync("semaphore", "show", "s/a");
        var listed = await Member.RowsAsync("semaphore", "list", "--prefix", "s/a");
        var full = await Member.RefusedAsync("semaphore", "acquire", "s/a", "--permits", "3");
        var mismatch = await Member.RefusedAsync("semaphore", "acquire", "s/a", "--permits", "4");
        await Member.RowsAsync("semaphore", "release", "s/a", two[0][3]);
        var after = await Member.JsonAsync("semaphore", "show", "s/a");

        Assert.That(two[0][2], Is.EqualTo("2 of 3"));
        Assert.That(shown.Select(row => $"{row[1]} {row[2]} {row[3]}"), Is.EqualTo(new[] { "3 of 3 held - -", "holds x 2", "holds y 1" }));
        Assert.That(listed.Single(), Is.EqualTo(new[] { "s/a", "3", "3", "x and 1 more", "0" }));
        Assert.That(full, Does.Contain("held"));
        Assert.That(mismatch, Does.Contain("3"));
        Assert.That(after["permitsUsed"]!.GetValue<long>(), Is.EqualTo(1));
        Assert.That((await Member.RowsAsync("semaphore", "show", "s/nobody"))[0][1], Is.EqualTo("free"));
    }

    [Test]
    public async Task The_limit_of_a_semaphore_in_use_is_changed()
    {
        await Member.RowsAsync("semaphore", "acquire", "s/size", "--permits", "3", "--count", "2", "--owner", "x", "--ttl", "5m");
        var resized = await Member.RowsAsync("semaphore", "resize", "s/size", "--permits", "5");
        var refused = await Member.RefusedAsync("semaphore", "resize", "s/size", "--permits", "1");

        Assert.That(resized.Single()[..3], Is.EqualTo(new[] { "s/size", "5", "2" }));
        Assert.That(refused, Does.Contain("2 permits are out, and the limit of 5 stays"));
        Assert.That((await Member.RowsAsync("semaphore", "show", "s/size"))[0][1], Is.EqualTo("2 of 5 held"));
        await Member.RefusedAsync("semaphore", "resize", "s/nobody", "--permits", "1");
    }

    [Test]
    public async Task A_command_runs_under_a_permit_and_leaves_it_free()
    {
        using var program = new CliProcess(
            OneMember.Endpoint, "semaphore", "run", "s/run", "--permits", "2", "--", "/bin/sh", "-c", "echo $CONSENSUS_SEMAPHORE $CONSENSUS_FENCING_TOKEN $CONSENSUS_LOCK; exit 7");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(7), end.Error);
        Assert.That(end.Output, Does.Match("^s/run [0-9]+\n$"));
        Assert.That((await Member.JsonAsync("semaphore", "show", "s/run"))["holders"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task A_permit_that_is_broken_ends_its_command()
    {
        using var program = new CliProcess(OneMember.Endpoint, "semaphore", "run", "s/lost", "--permits", "1", "--ttl", "20s", "--owner", "w", "--", "sleep", "600");
        await Eventually.True(async () => (await Member.JsonAsync("semaphore", "show", "s/lost"))["holders"]!.AsArray().Count == 1, "the grant");
        await Member.RefusedAsync("semaphore", "release", "s/lost", "1");
        await Member.RowsAsync("semaphore", "release", "s/lost", "--force");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(124));
        Assert.That(end.Error, Does.StartWith("consensusctl: semaphore 's/lost' could not be kept, so 'sleep' was ended: "));
    }

    [Test]
    public async Task No_permit_at_once_is_a_no()
    {
        await Member.RowsAsync("semaphore", "acquire", "s/full", "--permits", "1", "--owner", "x", "--ttl", "5m");
        using var program = new CliProcess(OneMember.Endpoint, "semaphore", "run", "s/full", "--permits", "1", "--wait", "0", "--", "true");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(1));
        Assert.That(end.Error, Does.StartWith("consensusctl: semaphore 's/full' was not acquired: "));
    }
}
