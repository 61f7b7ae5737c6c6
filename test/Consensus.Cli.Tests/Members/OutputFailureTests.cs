using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Standard output that cannot be written to: only a reader that is gone is no error.</summary>
internal sealed class OutputFailureTests
{
    private const string Full = "consensusctl: standard output could not be written: No space left on device.\n";
    private const string Closed = "consensusctl: standard output could not be written: it is closed.\n";

    [TestCase("kv", "put", "out/a", "1")]
    [TestCase("kv", "get", "out/there")]
    [TestCase("kv", "get", "out/there", "--raw")]
    [TestCase("kv", "list", "-o", "json")]
    [TestCase("lock", "list")]
    [TestCase("status")]
    [TestCase("check", "consistency")]
    [TestCase("members", "list")]
    [TestCase("watch", "out/")]
    [TestCase("watch", "out/", "-o", "json")]
    [TestCase("elect", "observe", "out/e")]
    [TestCase("top", "-o", "json", "--interval", "200ms")]
    [TestCase("completion", "bash")]
    [TestCase("--help")]
    [TestCase("--version")]
    public async Task A_full_output_is_told_and_is_exit_5(params string[] arguments)
    {
        await Member.RowsAsync("kv", "put", "out/there", "1");
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\" > /dev/full", arguments);
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo(Full));
        Assert.That(end.ExitCode, Is.EqualTo(5));
    }

    [TestCase("kv", "put", "out/b", "1")]
    [TestCase("watch", "out/")]
    [TestCase("--version")]
    public async Task A_closed_output_is_told_and_nothing_else_is_written_to_in_its_place(params string[] arguments)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\" >&-", arguments);
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo(Closed));
        Assert.That(end.ExitCode, Is.EqualTo(5));
    }

    [Test]
    public async Task A_leader_whose_output_is_full_resigns()
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\" > /dev/full", "elect", "out/lead", "--candidate", "x", "--ttl", "10m");
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo(Full));
        Assert.That(end.ExitCode, Is.EqualTo(5));
        await Member.RefusedAsync("elect", "show", "out/lead");
    }

    [Test]
    public async Task A_reader_that_is_gone_is_exit_141_without_a_word()
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "{ read -r go; \"$@\"; echo $? >&2; } | { exec <&-; echo gone; }", "kv", "list");
        await Eventually.True(() => program.OutputSoFar == "gone\n", "the reader is gone");
        await program.TellAsync("go\n");
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo("141\n"));
    }

    [TestCase("2> /dev/full")]
    [TestCase("2>&-")]
    public async Task An_error_that_cannot_be_told_leaves_the_exit_code_as_it_is(string redirection)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, $"exec \"$@\" {redirection}", "kv", "get", "out/missing");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(1));
        Assert.That(end.Output, Is.Empty);
    }
}
