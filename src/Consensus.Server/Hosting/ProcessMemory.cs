namespace Consensus.Server.Hosting;

/// <summary>How much memory this process may have: bounds in bytes that hold on a large machine would end a process in a small container.</summary>
internal static class ProcessMemory
{
    /// <summary>What the collector goes by: its own hard limit, else the container's, else the machine's.</summary>
    public static long AvailableBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
}
