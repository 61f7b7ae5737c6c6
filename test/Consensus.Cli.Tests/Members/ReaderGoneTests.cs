using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Commands that follow something, and whose reader has had enough before anything else comes.</summary>
internal sealed class ReaderGoneTests
{
    [TestCase("REVISION\tEVENT\tKEY\tVALUE\tVERSION\tLEASE\n", "watch", "gone/")]
    [TestCase("REVISION\tEVENT\tKEY\tVALUE\tVERSION\tLEASE\tPREVIOUS\n", "kv", "watch", "gone/a", "--prev")]
    [TestCase("REVISION\tLEADER\tVALUE\tTOKEN\n", "elect", "observe", "gone/e")]
    [TestCase(null, "watch", "gone/", "-o", "json")]
    [TestCase(null, "elect", "observe", "gone/e", "-o", "json")]
    public async Task A_reader_of_one_line_ends_the_program_without_another_event(string? line, params string[] arguments)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "{ \"$@\"; echo $? >&2; } | head -n 1", arguments);
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo("141\n"));
        Assert.That(end.Output, Is.EqualTo(line ?? end.Output).And.EndsWith("\n"));
    }

    [Test]
    public async Task What_would_be_shown_after_an_interval_is_not_waited_for_when_nobody_is_there_to_see_it()
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "{ \"$@\"; echo $? >&2; } | true", "top", "-o", "json", "--interval", "1d");
        Assert.That((await program.EndAsync()).Error, Is.EqualTo("141\n"));
    }

    [Test]
    public async Task A_file_is_never_a_reader_that_is_gone()
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\" > /dev/null", "top", "-o", "json", "--interval", "200ms");
        Assert.That((await program.EndAsync()).ExitCode, Is.Zero);
    }
}
