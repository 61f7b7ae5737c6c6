using System.Globalization;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.Bench;

/// <summary>A run from its first key to the removal of its last.</summary>
internal static class BenchRun
{
    /// <summary>One request deletes at most 10,000 keys (rule 9).</summary>
    private const int KeysInOneDelete = 5_000;

    private static readonly TimeSpan ProgressEvery = TimeSpan.FromMilliseconds(200);

    public static string KeyOf(BenchPlan plan, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{BlockOf(plan, number / KeysInOneDelete)}{number}");

    private static string BlockOf(BenchPlan plan, int block) => string.Create(CultureInfo.InvariantCulture, $"{plan.Prefix}keys-{block}/");

    /// <summary>Runs, and removes what it wrote whatever happens. The problem is that of the removal, which is all that can go wrong with the whole.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what it wrote is removed.</exception>
    public static async Task<(BenchResult Result, ApiProblem? LeftBehind)> RunAsync(
        BenchPlan plan, ConsensusClientOptions options, ProgressLine progress, TimeProvider clock, CancellationToken cancellationToken)
    {
        var clients = Enumerable.Range(0, plan.Clients).Select(number => new BenchClient(plan, options, number)).ToList();
        try
        {
            BenchResult result;
            try
            {
                var unprepared = await PrepareAsync(plan, options, progress, cancellationToken);
                result = unprepared is null
                    ? await MeasureAsync(plan, clients, progress, clock, cancellationToken)
                    : new BenchResult(plan, TimeSpan.Zero, new LatencyHistogram(), 1, unprepared.Detail);
            }
            catch
            {
                await CleanAsync(plan, options, progress);
                throw;
            }
            return (result, await CleanAsync(plan, options, progress));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    /// <summary>What is read has to be there.</summary>
    private static async Task<ApiProblem?> PrepareAsync(
        BenchPlan plan, ConsensusClientOptions options, ProgressLine progress, CancellationToken cancellationToken)
    {
        if (plan.Workload is not (Workload.Get or Workload.Mixed))
        {
            return null;
        }
        using var client = new ConsensusApiClient(options);
        var value = new byte[plan.ValueBytes];
        Array.Fill(value, (byte)'v');
        ApiProblem? problem = null;
        var written = 0;
        await Parallel.ForAsync(
            0,
            plan.Keys,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Min(32, plan.Clients), CancellationToken = cancellationToken },
            async (number, token) =>
            {
                if (Volatile.Read(ref problem) is null)
                {
                    var put = await client.PutKeyAsync(KeyOf(plan, number), value, null, false, null, token);
                    Interlocked.CompareExchange(ref problem, put.Problem, null);
                    var count = Interlocked.Increment(ref written);
                    lock (progress)
                    {
                        progress.Say(() => string.Create(CultureInfo.InvariantCulture, $"writing the keys to be read: {count:N0} of {plan.Keys:N0}"));
                    }
                }
            });
        return problem;
    }

    private static async Task<BenchResult> MeasureAsync(
        BenchPlan plan, List<BenchClient> clients, ProgressLine progress, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        using var over = new CancellationTokenSource(plan.Duration, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, over.Token);
        var running = Task.WhenAll(clients.Select(client => Task.Run(() => client.RunAsync(stop.Token), CancellationToken.None)));
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(ProgressEvery, CancellationToken.None));
            progress.Say(() =>
            {
                var done = clients.Sum(client => client.Done);
                var seconds = clock.GetElapsedTime(start).TotalSeconds;
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{plan.Workload.ToString().ToLowerInvariant()}: {Math.Min(seconds, plan.Duration.TotalSeconds):0.0} of {plan.Duration.TotalSeconds:0.#} s, {done:N0} operations, {done / seconds:N0}/s");
            });
        }
        await running;
        var elapsed = clock.GetElapsedTime(start);
        cancellationToken.ThrowIfCancellationRequested();
        var latency = new LatencyHistogram();
        foreach (var client in clients)
        {
            latency.Add(client.Latency);
        }
        return new BenchResult(
            plan,
            elapsed,
            latency,
            clients.Sum(client => client.Failures),
            clients.Select(client => client.FirstFailure).FirstOrDefault(failure => failure is not null));
    }

    private static async Task<ApiProblem?> CleanAsync(BenchPlan plan, ConsensusClientOptions options, ProgressLine progress)
    {
        progress.Say(() => "removing what was written");
        using var client = new ConsensusApiClient(options);
        for (var block = 0; block * KeysInOneDelete < plan.Keys; block++)
        {
            var deleted = await client.DeleteKeysAsync(BlockOf(plan, block), CancellationToken.None);
            if (!deleted.Succeeded)
            {
                return deleted.Problem;
            }
        }
        return (await client.DeleteKeysAsync(plan.Prefix + "own/", CancellationToken.None)).Problem;
    }
}
