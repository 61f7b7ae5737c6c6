using System.Globalization;
using Consensus.Cli.Output;
using Consensus.Client;
using Consensus.Client.Sessions;

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
        var connected = Connect(options);
        var clients = Enumerable.Range(0, plan.Clients)
            .Select(number => new BenchClient(plan, connected[number % connected.Count], number)).ToList();
        try
        {
            BenchResult result;
            try
            {
                var unprepared = await PrepareAsync(plan, connected[0].Writes, progress, cancellationToken);
                result = unprepared is null
                    ? await MeasureAsync(plan, clients, progress, clock, cancellationToken)
                    : new BenchResult(plan, TimeSpan.Zero, new LatencyHistogram(), 1, unprepared.Detail);
            }
            catch
            {
                await CleanAsync(plan, connected[0].Writes, progress);
                throw;
            }
            return (result, await CleanAsync(plan, connected[0].Writes, progress));
        }
        finally
        {
            // Each waits for the end of its session, if only for a moment.
            await Task.WhenAll(connected.Select(client => Task.Run(client.Dispose, CancellationToken.None)));
        }
    }

    /// <summary>
    /// A client that begins at each endpoint, so that all members are asked. Each has one session, whatever number of the run's clients use
    /// it: as many Idempotency-Keys as a long run needs are not kept.
    /// </summary>
    private static List<ConsensusClient> Connect(ConsensusClientOptions options) => [.. options.Endpoints.Select((_, first) =>
        new ConsensusClient(options with { Endpoints = [.. options.Endpoints.Skip(first), .. options.Endpoints.Take(first)] }))];

    /// <summary>What is read has to be there.</summary>
    private static async Task<ApiProblem?> PrepareAsync(
        BenchPlan plan, ClientWrites writes, ProgressLine progress, CancellationToken cancellationToken)
    {
        if (plan.Workload is not (Workload.Get or Workload.Mixed))
        {
            return null;
        }
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
                    var put = await writes.SendAsync(api => api.PutKeyAsync(KeyOf(plan, number), value, null, token));
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

    private static async Task<ApiProblem?> CleanAsync(BenchPlan plan, ClientWrites writes, ProgressLine progress)
    {
        progress.Say(() => "removing what was written");
        for (var block = 0; block * KeysInOneDelete < plan.Keys; block++)
        {
            var prefix = BlockOf(plan, block);
            var deleted = await writes.SendAsync(api => api.DeleteKeysAsync(prefix, CancellationToken.None));
            if (!deleted.Succeeded)
            {
                return deleted.Problem;
            }
        }
        return (await writes.SendAsync(api => api.DeleteKeysAsync(plan.Prefix + "own/", CancellationToken.None))).Problem;
    }
}
