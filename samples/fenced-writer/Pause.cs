using System.Runtime.InteropServices;

namespace Consensus.Samples.FencedWriter;

/// <summary>What a long garbage collection, a swapping machine or a suspended container does to a process, at the worst moment.</summary>
internal static class Pause
{
    private const int SigStop = 19;

    /// <summary>Stops this whole process until somebody sends it SIGCONT.</summary>
    public static void Here() => _ = Raise(SigStop);

    // Not kill(2): that may stop another thread first, and this one goes on for a while.
    [DllImport("libc", EntryPoint = "raise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Raise(int signal);
}
