using System.Diagnostics;
using System.Net;
using Consensus.Benchmarks.Bulk;

namespace Consensus.Benchmarks.Streams;

/// <summary>
/// A thread with one connection that does the same thing at a steady pace, or as often as it is answered where that is less often. A
/// turn is counted from when it was due, so that one that waits behind another is as late as it is.
/// </summary>
/// <param name="turn">Does it, and says whether it was done.</param>
internal sealed class PacedClient(IPEndPoint endpoint, TimeSpan every, Func<BlockingClient, bool> turn)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly List<double> _times = [];
    private Thread? _thread;
    private long _failed;
    private volatile bool _measures;
    private volatile bool _ending;

    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>From now on turns count.</summary>
    public void Measure() => _measures = true;

    /// <summary>Comes back when the last turn is over.</summary>
    public void End()
    {
        _ending = true;
        _thread?.Join();
    }

    /// <summary>After the end.</summary>
    public ProbeSample Sample(string what) => new(
        what, _times.Count, _failed, Statistics.Median(_times), Statistics.Percentile(_times, 99), _times.DefaultIfEmpty(double.NaN).Max());

    private void Run()
    {
        using var client = new BlockingClient(endpoint, Limit);
        var step = (long)(every.TotalSeconds * Stopwatch.Frequency);
        var due = Stopwatch.GetTimestamp();
        while (!_ending)
        {
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (wait > TimeSpan.Zero)
            {
                Thread.Sleep(wait);
            }

            var isCounted = _measures;
            var isDone = turn(client);
            if (isCounted)
            {
                _times.Add(Stopwatch.GetElapsedTime(due).TotalMilliseconds);
                _failed += isDone ? 0 : 1;
            }

            due = Math.Max(due + step, Stopwatch.GetTimestamp());
        }
    }
}
