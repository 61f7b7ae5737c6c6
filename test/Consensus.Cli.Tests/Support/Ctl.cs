using System.Text;

namespace Consensus.Cli.Tests.Support;

/// <summary>What one run of the program gave.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error);

/// <summary>Runs the program inside the test.</summary>
internal static class Ctl
{
    public static Task<CliRun> RunAsync(Uri endpoint, params string[] arguments) =>
        RunAsync(new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = endpoint.ToString() }, "", false, arguments);

    public static async Task<CliRun> RunAsync(
        IReadOnlyDictionary<string, string> variables, string input, bool terminal, params string[] arguments)
    {
        using var stdin = new MemoryStream(Encoding.UTF8.GetBytes(input));
        using var raw = new MemoryStream();
        await using var output = new StreamWriter(raw, new UTF8Encoding(false)) { AutoFlush = true };
        await using var error = new StringWriter();
        var environment = new CliEnvironment(stdin, raw, output, error, terminal, name => variables.GetValueOrDefault(name)) { InputIsTerminal = terminal };
        var code = await new CliApp(environment).RunAsync(arguments, CancellationToken.None);
        return new CliRun(code, Encoding.UTF8.GetString(raw.ToArray()), error.ToString());
    }
}
