namespace Consensus.Server.Hosting;

/// <summary>How much memory this process may have: bounds in bytes that hold on a large machine would end a process in a small container.</summary>
internal static class ProcessMemory
{
    /// <summary>What the collector goes by: its own hard limit, else the container's, else the machine's.</summary>
    public static long AvailableBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>A value that waits to be appended is there twice, as its body and within its command: an eighth of the memory together.</summary>
    public static long ShareForPendingCommands => Math.Clamp(AvailableBytes / 16, 4 << 20, 64 << 20);

    /// <summary>Commands that no turn has seen yet: as many again would be there twice for a moment only.</summary>
    public static long ShareForInbox => Math.Clamp(AvailableBytes / 32, 4 << 20, 32 << 20);

    public static long ShareForUnsentAnswers => Math.Clamp(AvailableBytes / 16, 8 << 20, 128 << 20);

    /// <summary>The log in memory.</summary>
    public static long ShareForLog => Math.Clamp(AvailableBytes / 8, 16 << 20, 256 << 20);
}
