using System.Diagnostics;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Library;

/// <summary>One operation after the other, of so many clients at once. Thread-safe.</summary>
internal interface IPoolSpeaker : IDisposable
{
    /// <summary>Writes a key, of the filled ones.</summary>
    /// <returns>Null; or why it was not done.</returns>
    Task<string?> PutAsync(int client, string key);

    /// <summary>Takes and releases the client's own lock.</summary>
    Task<string?> LockAsync(int client);
}

/// <summary>
/// Closed-loop clients as tasks on the thread pool: each begins the next operation as soon as the one before is done. As <see
/// cref="LoadGenerator"/> counts: warm-up, window, and then
/// each ends what it has begun.
/// </summary>
internal sealed class PoolLoad(IPoolSpeaker speaker, Workload workload, int clients)
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(10);

    private volatile Phase _phase = Phase.WarmUp;

    private enum Phase
    {
        WarmUp,
        Window,
        Over,
    }

    /// <summary>Blocks the calling thread, on which the two samples are taken at the window's edges.</summary>
    public LoadResult Run(TimeSpan warmUp, TimeSpan window, Action atWindowStart, Action atWindowEnd)
    {
        var tasks = Enumerable.Range(0, clients).Select(client => Task.Run(() => SpeakAsync(client))).ToArray();
        Thread.Sleep(warmUp);
        atWindowStart();
        var cpuBefore = Environment.CpuUsage.TotalTime;
        var begin = Stopwatch.GetTimestamp();
        _phase = Phase.Window;
        Thread.Sleep(window);
        _phase = Phase.Over;
        var length = Stopwatch.GetElapsedTime(begin);
        var cpu = Environment.CpuUsage.TotalTime - cpuBefore;
        atWindowEnd();
        var counts = Task.WhenAll(tasks).GetAwaiter().GetResult();
        var latency = new LatencyHistogram();
        foreach (var one in counts)
        {
            latency.Add(one.Latency);
        }

        return new LoadResult(
            length,
            latency.Count,
            counts.Sum(one => one.Operations),
            counts.Sum(one => one.Errors),
            counts.Select(one => one.FirstError).FirstOrDefault(error => error is not null),
            latency,
            cpu);
    }

    private async Task<Count> SpeakAsync(int client)
    {
        var count = new Count();
        var random = new Random(client + 1);
        do
        {
            var begin = Stopwatch.GetTimestamp();
            var error = workload == Workload.Lock
                ? await speaker.LockAsync(client)
                : await speaker.PutAsync(client, KeySpace.Key(random.Next(KeySpace.Count)));
            if (error is null)
            {
                count.Operations++;
                if (_phase == Phase.Window)
                {
                    count.Latency.Add(Stopwatch.GetElapsedTime(begin));
                }
            }
            else
            {
                count.Errors++;
                count.FirstError ??= error;
                await Task.Delay(PauseAfterFailure);
            }
        }
        while (_phase != Phase.Over);

        return count;
    }

    private sealed class Count
    {
        public LatencyHistogram Latency { get; } = new();

        public long Operations { get; set; }

        public long Errors { get; set; }

        public string? FirstError { get; set; }
    }
}
