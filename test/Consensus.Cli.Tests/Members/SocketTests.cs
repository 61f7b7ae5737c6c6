using System.Runtime.Versioning;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Commands at a member's admin socket.</summary>
[SupportedOSPlatform("linux")]
[Platform("Linux")]
internal sealed class SocketTests
{
    /// <summary>Nothing else that says whom to ask, or who this is, is looked at.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["CONSENSUS_ENDPOINTS"] = "http://127.0.0.1:1",
        ["CONSENSUSCTL_TLS"] = "/there/is/none",
        ["CONSENSUS_TOKEN_FILE"] = "/there/is/none",
    };

    private static Task<CliRun> AskAsync(params string[] arguments) =>
        Ctl.RunAsync(Elsewhere, "", false, ["--socket", OneMember.AdminSocket, .. arguments]);

    [Test]
    public async Task Who_asks_there_is_local_and_an_administrator()
    {
        var who = await AskAsync("auth", "whoami");
        Assert.That(who.ExitCode, Is.Zero, who.Error);
        Assert.That(Member.Rows(who.Output)[0][..2], Is.EqualTo(new[] { "local", "l" }));
    }

    [TestCase("kv", "put", "at-the-socket", "1")]
    [TestCase("status")]
    [TestCase("members", "list")]
    [TestCase("auth", "token", "list")]
    [TestCase("lock", "list")]
    [TestCase("lease", "list")]
    [TestCase("check", "consistency")]
    [TestCase("semaphore", "list")]
    [TestCase("lock", "run", "at-the-socket", "--", "true")]
    public async Task Every_command_works_there(params string[] arguments)
    {
        var run = await AskAsync(arguments);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
    }

    [TestCase("--endpoints", "http://127.0.0.1:7379")]
    [TestCase("--tls", "admin.pem")]
    [TestCase("--token-file", "token")]
    public async Task It_goes_with_nothing_else_that_says_whom_to_ask_or_who_this_is(string option, string value)
    {
        var run = await AskAsync(option, value, "status");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((2,
            $"consensusctl: --socket and {option} do not go together: at the socket one member is asked, as its administrator.\n")));
    }

    [Test]
    public async Task A_socket_that_there_is_not_is_exit_2()
    {
        var run = await Ctl.RunAsync(Elsewhere, "", false, "--socket", "/there/is/none", "status");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((2, "consensusctl: --socket /there/is/none: there is no such socket.\n")));
    }
}
