using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Commands;

/// <summary>A member without a leader lets a request wait for five seconds: <c>--timeout</c> below that cuts it off, in every command.</summary>
internal sealed class TimeoutTests
{
    [TestCase("kv get a", 3)]
    [TestCase("kv put a b", 4)]
    [TestCase("kv delete a", 4)]
    [TestCase("kv list", 3)]
    [TestCase("watch a", 3)]
    [TestCase("lease grant --ttl 5s", 4)]
    [TestCase("lease list", 3)]
    [TestCase("lock acquire a --owner me", 4)]
    [TestCase("lock show a", 3)]
    [TestCase("semaphore list", 3)]
    [TestCase("elect show a", 3)]
    [TestCase("elect observe a", 3)]
    [TestCase("fence check a 1", 4)]
    [TestCase("members list", 3)]
    [TestCase("members add n4", 4)]
    [TestCase("members promote n4", 4)]
    [TestCase("members remove n4", 3)]
    [TestCase("leader", 3)]
    [TestCase("leader transfer n2", 4)]
    [TestCase("status", 3)]
    [TestCase("check consistency", 3)]
    [TestCase("snapshot save FILE", 3)]
    public async Task A_short_time_out_is_kept_and_named_while_no_member_answers(string line, int code)
    {
        using var silent = new FakeServer(async _ =>
        {
            await Task.Delay(Timeout.Infinite);
            return FakeAnswer.Abort;
        });
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var run = await Ctl.RunAsync(silent.Endpoint, [.. line.Replace("FILE", file, StringComparison.Ordinal).Split(' '), "--timeout", "1s"]);

        Assert.That(run.ExitCode, Is.EqualTo(code), run.Error);
        // A second, or what was left of it.
        Assert.That(run.Output + run.Error, Does.Match($@"{silent.Endpoint.Authority} did not answer within (0\.\d|1) s"));
    }

    [Test]
    public async Task A_member_that_hangs_leaves_time_for_the_next_one()
    {
        using var silent = new FakeServer(async _ =>
        {
            await Task.Delay(Timeout.Infinite);
            return FakeAnswer.Abort;
        });
        using var alive = new FakeServer(_ => new FakeAnswer(200, """{"key":"a","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":null}"""));
        var run = await Ctl.RunAsync(silent.Endpoint, "kv", "get", "a", "--raw", "--timeout", "5s", "--endpoints", $"{silent.Endpoint},{alive.Endpoint}");

        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, "v")), run.Error);
    }
}
