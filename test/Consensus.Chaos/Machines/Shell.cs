using System.Diagnostics;

namespace Consensus.Chaos.Machines;

/// <summary>Short commands of the machine's administrator.</summary>
internal static class Shell
{
    /// <summary>True when it ran and ended with 0.</summary>
    public static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
