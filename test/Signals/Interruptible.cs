using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Consensus.Signals;

/// <summary>
/// Programs for which Ctrl-C and a closed terminal mean what they mean at a shell. What a script starts with <c>&amp;</c> ignores SIGINT and SIGQUIT, what <c>nohup</c> starts ignores SIGHUP, a
/// program inherits that from whoever starts it, and one that ignores a signal from its beginning goes on ignoring it: so the tests, started in such a way, could interrupt nothing.
/// </summary>
internal static class Interruptible
{
    private const string IgnoredSignals = "SigIgn:";
    private const nint Default = 0;
    private const nint Ignore = 1;

    private static readonly int[] Interrupting = [1, 2, 3];
    private static readonly Lock Gate = new();

    public static Process Start(ProcessStartInfo start)
    {
        // What is ignored here is inherited at the fork, so it is not ignored for just as long as that takes.
        lock (Gate)
        {
            var ignored = Array.FindAll(Interrupting, IsIgnored);
            Array.ForEach(ignored, signal => SetHandler(signal, Default));
            try
            {
                return Process.Start(start)!;
            }
            finally
            {
                Array.ForEach(ignored, signal => SetHandler(signal, Ignore));
            }
        }
    }

    /// <summary>proc_pid_status(5): a mask in hexadecimal, whose lowest bit is signal 1.</summary>
    private static bool IsIgnored(int signal)
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(IgnoredSignals, StringComparison.Ordinal));
        return (ulong.Parse(line.AsSpan(IgnoredSignals.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1UL << (signal - 1))) != 0;
    }

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetHandler(int signal, nint handler);
}
