using System.Diagnostics;

namespace Consensus.Chaos.Machines;

/// <summary>Short commands of the machine's administrator.</summary>
internal static class Shell
{
    /// <summary>True when it ran and ended with 0.</summary>
    public static bool Run(string program, params string[] arguments) => Try(program, arguments).ExitCode == 0;

    /// <summary>What it said; empty when it could not be run or failed.</summary>
    public static string Output(string program, params string[] arguments) => Try(program, arguments) is (0, var output) ? output : "";

    private static (int ExitCode, string Output) Try(string program, string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            // Emptied side by side, so that neither pipe fills while the other is read.
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, "");
        }
    }
}
