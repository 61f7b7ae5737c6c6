using System.Diagnostics;
using System.Reflection;

namespace Consensus.EndToEnd.Tests.Processes;

/// <summary>Runs consensusctl as an operator does.</summary>
internal static class Consensusctl
{
    public static async Task<(int Code, string Output, string Error)> RunAsync(string endpoints, params string[] arguments)
    {
        var directory = typeof(Consensusctl).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "CtlDirectory").Value!;
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(directory, "consensusctl.dll"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment["CONSENSUS_ENDPOINTS"] = endpoints;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var deadline = Patience.Begin();
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>As <see cref="RunAsync"/>, for what has to succeed; what it wrote.</summary>
    public static async Task<string> DoneAsync(string endpoints, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(endpoints, arguments);
        Assert.That(code, Is.Zero, $"consensusctl {string.Join(' ', arguments)}: {error}{output}");
        return output;
    }
}
