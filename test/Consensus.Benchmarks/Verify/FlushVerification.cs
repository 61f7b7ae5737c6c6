using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Verify;

/// <summary>
/// Whether an acknowledgement ever leaves before its flush: puts one after another through every member in turn, all members under strace.
/// Between a put's request and the first byte of its answer, a flush must have begun and ended on a majority of the disks.
/// </summary>
internal sealed class FlushVerification(LocalCluster cluster, string directory)
{
    private const string Tracer = "/usr/bin/strace";
    private const int Puts = 600;
    private static readonly TimeSpan AttachLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(5);

    /// <summary>Null, said aloud, where strace is not installed; else whether every acknowledgement came after its flushes.</summary>
    public bool? Run()
    {
        if (!File.Exists(Tracer))
        {
            Progress.Say($"SKIPPED: there is no {Tracer} (Debian: apt-get install strace)");
            return null;
        }
        cluster.Start();
        var files = Enumerable.Range(0, cluster.Size).Select(member => Path.Combine(directory, $"strace-{member}")).ToList();
        var spans = Trace(files);
        return Judge(spans, [.. files.Select(SystemCallTrace.Read)]);
    }

    private List<PutSpan> Trace(List<string> files)
    {
        var tracers = new List<ServerProcess>();
        try
        {
            for (var member = 0; member < cluster.Size; member++)
            {
                var id = cluster.ProcessIdOf(member);
                tracers.Add(ServerProcess.Start(
                    Tracer,
                    ["-f", "-ttt", "-T", "-s", "16", "-e", "trace=fdatasync,fsync,sendmsg,sendto,write,writev", "-o", files[member], "-p", id.ToString(CultureInfo.InvariantCulture)],
                    files[member] + ".log"));
                WaitForTracer(id);
            }
            return [.. Enumerable.Range(0, cluster.Size).SelectMany(PutThrough)];
        }
        finally
        {
            // strace writes each line at once; ended, it leaves its process to go on.
            tracers.ForEach(tracer => tracer.Dispose());
        }
    }

    private List<PutSpan> PutThrough(int member)
    {
        var spans = new List<PutSpan>();
        var script = new TimedPuts(
            cluster.Scripts.PutOne(cluster.Hosts[member]),
            Puts / cluster.Size,
            (sent, answered) => spans.Add(new PutSpan(member, sent, answered)));
        using var generator = new LoadGenerator([cluster.Endpoints[member]], [script]);
        var result = generator.Run(TimeSpan.Zero, RunLimit);
        return result.Errors == 0 ? spans : throw new BenchException($"verify: {result.FirstError}");
    }

    private static void WaitForTracer(int id)
    {
        var started = Stopwatch.GetTimestamp();
        while (Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/task"))
            .Any(task => File.ReadAllText(Path.Combine(task, "status")).Contains("TracerPid:\t0\n", StringComparison.Ordinal)))
        {
            if (Stopwatch.GetElapsedTime(started) > AttachLimit)
            {
                throw new BenchException("verify: strace did not attach");
            }
            Thread.Sleep(20);
        }
    }

    private bool Judge(List<PutSpan> spans, List<SystemCallTrace> traces)
    {
        var majority = (cluster.Size / 2) + 1;
        var (early, unseen) = (0, 0);
        foreach (var span in spans)
        {
            var answers = traces[span.Member].Answers.Where(at => at >= span.Sent && at <= span.Answered).ToList();
            if (answers.Count != 1)
            {
                unseen++;
                continue;
            }
            var flushed = traces.Count(trace => trace.Flushes.Any(flush => flush.Begin >= span.Sent && flush.End <= answers[0]));
            if (flushed < majority)
            {
                early++;
                Progress.Say(string.Create(CultureInfo.InvariantCulture, $"  a put through n{span.Member + 1} was acknowledged when {flushed} of {cluster.Size} disks had it"));
            }
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{cluster.Name}: {spans.Count} puts through {cluster.Size} members, {traces.Sum(trace => trace.Flushes.Count)} flushes seen; "
            + $"acknowledged before a majority had flushed: {early}; answers not found in the trace: {unseen}"));
        return early == 0 && unseen == 0 && spans.Count == Puts;
    }

    /// <summary>In seconds of the wall clock, as strace tells time.</summary>
    private readonly record struct PutSpan(int Member, double Sent, double Answered);

    private sealed class TimedPuts(IClientScript puts, int count, Action<double, double> done) : IClientScript
    {
        private int _left = count;
        private double _sent;

        public int NextRequest(Span<byte> request, bool stopping)
        {
            if (stopping || _left-- == 0)
            {
                return 0;
            }
            _sent = Now();
            return puts.NextRequest(request, stopping);
        }

        public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
        {
            done(_sent, Now());
            return puts.OnAnswer(status, body);
        }

        private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
    }
}
