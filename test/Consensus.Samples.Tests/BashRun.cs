using System.Diagnostics;

namespace Consensus.Samples.Tests;

/// <summary>What commands typed at a shell said, and how they ended.</summary>
internal sealed record BashRun(int ExitCode, string Output, string Error)
{
    /// <summary>This repository's top level.</summary>
    public static string Root => Path.GetFullPath(Path.Combine(SampleRun.Metadata("SamplesDirectory"), ".."));

    /// <summary>Skips the test, aloud, on a machine without it.</summary>
    public static void NeedsCurl()
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        if (!path.Split(':').Any(directory => File.Exists(Path.Combine(directory, "curl"))))
        {
            Assert.Ignore("there is no curl on this machine");
        }
    }

    /// <summary>Runs the commands with <c>consensusctl</c> found by its name.</summary>
    public static async Task<BashRun> OfAsync(string commands, string directory, IReadOnlyDictionary<string, string>? variables = null)
    {
        var programs = Path.Combine(Root, "src", "Consensus.Cli", "bin", SampleRun.Metadata("SamplesConfiguration"), "net10.0");
        var start = new ProcessStartInfo("bash", ["-e", "-c", commands])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}" },
        };
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        using var process = Interruptible.Start(start);
        process.StandardInput.Close(); // Where there is a terminal, nobody sits at it to answer.
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = Patience.Begin(steps: 5);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"It does not end: {commands}\n{await output}{await error}");
        }
        return new BashRun(process.ExitCode, await output, await error);
    }
}
