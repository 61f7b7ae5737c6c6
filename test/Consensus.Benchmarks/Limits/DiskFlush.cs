using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Limits;

/// <summary>How often the disk makes a small write durable, one after another.</summary>
internal sealed record DiskFlush(double FlushesPerSecond, double P50Ms, double P99Ms)
{
    private const int FileBytes = 64 * 1024 * 1024;
    private const int WriteBytes = 4096;

    /// <summary>Overwrites a preallocated file 4 KiB at a time, each followed by fdatasync, as a log does.</summary>
    public static DiskFlush Measure(string directory, TimeSpan length)
    {
        var path = Path.Combine(directory, "fdatasync");
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose);
        var descriptor = (int)file.DangerousGetHandle();
        if (Libc.Allocate(descriptor, 0, FileBytes) is var error and not 0)
        {
            throw new Win32Exception(error);
        }

        var block = new byte[WriteBytes];
        Random.Shared.NextBytes(block);
        var latency = new LatencyHistogram();
        var begin = Stopwatch.GetTimestamp();
        var offset = 0L;
        while (Stopwatch.GetElapsedTime(begin) < length)
        {
            var start = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, block, offset);
            if (Libc.FlushData(descriptor) != 0)
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError());
            }

            latency.Add(Stopwatch.GetElapsedTime(start));
            offset = (offset + WriteBytes) % FileBytes;
        }

        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        return new DiskFlush(latency.Count / seconds, latency.Percentile(0.5).TotalMilliseconds, latency.Correct().At(0.99).TotalMilliseconds);
    }
}
