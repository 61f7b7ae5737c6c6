using System.Text.Json.Nodes;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Commands against the one real member.</summary>
internal static class Member
{
    public static Task<CliRun> RunAsync(params string[] arguments) => Ctl.RunAsync(OneMember.Endpoint, arguments);

    /// <summary>The rows of a command that succeeds, without the headings.</summary>
    public static async Task<string[][]> RowsAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Error, Is.Empty);
        return Rows(run.Output);
    }

    /// <summary>The document of a command that succeeds.</summary>
    public static async Task<JsonObject> JsonAsync(params string[] arguments)
    {
        var run = await RunAsync([.. arguments, "-o", "json"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        return JsonNode.Parse(run.Output)!.AsObject();
    }

    /// <summary>A command that a member refuses: exit code 1 and one sentence.</summary>
    public static async Task<string> RefusedAsync(params string[] arguments)
    {
        var run = await RunAsync(arguments);
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        Assert.That(run.Output, Is.Empty);
        Assert.That(run.Error, Does.StartWith("consensusctl: "));
        Assert.That(run.Error.TrimEnd('\n'), Does.Not.Contain('\n'));
        return run.Error;
    }

    public static string[][] Rows(string output) => [.. output.TrimEnd('\n').Split('\n').Skip(1).Select(line => line.Split('\t'))];
}
