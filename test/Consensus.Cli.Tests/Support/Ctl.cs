using System.Text;

namespace Consensus.Cli.Tests.Support;

/// <summary>What one run of the program gave.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error);

/// <summary>Runs the program inside the test.</summary>
internal static class Ctl
{
    public static Task<CliRun> RunAsync(Uri endpoint, params string[] arguments) => RunAsync(endpoint, TimeProvider.System, arguments);

    public static Task<CliRun> RunAsync(Uri endpoint, TimeProvider clock, params string[] arguments) =>
        RunAsync(new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = endpoint.ToString() }, "", false, clock, arguments);

    public static Task<CliRun> RunAsync(
        IReadOnlyDictionary<string, string> variables, string input, bool terminal, params string[] arguments) =>
        RunAsync(variables, input, terminal, TimeProvider.System, arguments);

    /// <param name="clock">On which intervals and durations are counted.</param>
    public static async Task<CliRun> RunAsync(
        IReadOnlyDictionary<string, string> variables, string input, bool terminal, TimeProvider clock, params string[] arguments)
    {
        using var raw = new MemoryStream();
        return await RunAsync(raw, variables, input, terminal, clock, arguments);
    }

    /// <summary>A run whose output is bytes.</summary>
    public static async Task<(CliRun Run, byte[] Bytes)> RunForBytesAsync(Uri endpoint, string input, params string[] arguments)
    {
        using var raw = new MemoryStream();
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = endpoint.ToString() };
        return (await RunAsync(raw, variables, input, false, TimeProvider.System, arguments), raw.ToArray());
    }

    private static async Task<CliRun> RunAsync(
        MemoryStream raw,
        IReadOnlyDictionary<string, string> variables,
        string input,
        bool terminal,
        TimeProvider clock,
        string[] arguments)
    {
        using var stdin = new MemoryStream(Encoding.UTF8.GetBytes(input));
        await using var output = new StreamWriter(raw, new UTF8Encoding(false), leaveOpen: true) { AutoFlush = true };
        await using var error = new StringWriter();
        var environment = new CliEnvironment(stdin, raw, output, error, terminal, name => variables.GetValueOrDefault(name))
        {
            InputIsTerminal = terminal,
            Clock = clock,
        };
        var code = await new CliApp(environment).RunAsync(arguments, CancellationToken.None);
        return new CliRun(code, Encoding.UTF8.GetString(raw.ToArray()), error.ToString());
    }
}
