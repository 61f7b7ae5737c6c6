using System.Runtime.InteropServices;

namespace Consensus.Samples.FencedWriter;

/// <summary>What a long garbage collection, a swapping machine or a suspended container does to a process, at the worst moment.</summary>
internal static class Pause
{
    private const int SigStop = 19;

    /// <summary>Stops this whole process until somebody sends it SIGCONT.</summary>
    public static void Here() => _ = Kill(Environment.ProcessId, SigStop);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
