using System.Globalization;

namespace Consensus.Benchmarks.Clusters;

/// <summary>
/// What the machine's disks were given to write. The kernel's count by process (<c>/proc/PID/io</c>) is of no use here: it counts the whole of a
/// large folio of the page cache, up to 64 KiB and more, for each few bytes that are appended to it.
/// </summary>
internal static class MachineDisks
{
    private const int SectorBytes = 512;
    private const int SectorsWritten = 6;

    /// <summary>Bytes written to all physical disks since the machine started, the file systems' own included (Documentation/block/stat of Linux).</summary>
    public static long BytesWritten() => Directory.EnumerateDirectories("/sys/block")
        .Where(disk => Directory.Exists(Path.Combine(disk, "device")))
        .Sum(disk => SectorBytes * long.Parse(
            File.ReadAllText(Path.Combine(disk, "stat")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[SectorsWritten],
            CultureInfo.InvariantCulture));
}
