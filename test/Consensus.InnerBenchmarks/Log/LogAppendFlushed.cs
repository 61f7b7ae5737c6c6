using BenchmarkDotNet.Attributes;
using Consensus.Storage.Disk;

namespace Consensus.InnerBenchmarks.Log;

/// <summary>One batch through the write-ahead log, with its flush: encoded, framed, checksummed, written. The number of calls is fixed, so that the log of one iteration stays small.</summary>
[InvocationCount(512)]
public class LogAppendFlushed
{
    private OpenLog _log = null!;

    [Params(1, 16, 64)]
    public int Entries { get; set; }

    /// <summary>With keys: each frame is encrypted on its way.</summary>
    [Params(false, true)]
    public bool IsSealed { get; set; }

    [IterationSetup]
    public void Open() => _log = new OpenLog(new LinuxDisk(), Entries, IsSealed);

    [IterationCleanup]
    public void Close() => _log.Dispose();

    [Benchmark]
    public void Append() => _log.Append();
}
