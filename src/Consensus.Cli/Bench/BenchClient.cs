using System.Diagnostics;
using System.Globalization;
using Consensus.Client;

namespace Consensus.Cli.Bench;

/// <summary>One client of a run: asks, waits for the answer, asks again. It begins at an endpoint of its own, so that all members are asked.</summary>
internal sealed class BenchClient : IDisposable
{
    private readonly BenchPlan _plan;
    private readonly int _number;
    private readonly ConsensusApiClient _client;
    private readonly Random _random;
    private readonly byte[] _value;
    private readonly LatencyHistogram _latency = new();
    private long _ownRevision;
    private long _done;

    public BenchClient(BenchPlan plan, ConsensusClientOptions options, int number)
    {
        (_plan, _number) = (plan, number);
        var endpoints = options.Endpoints;
        _client = new ConsensusApiClient(options with { Endpoints = [.. endpoints.Skip(number % endpoints.Count), .. endpoints.Take(number % endpoints.Count)] });
        _random = new Random(number);
        _value = new byte[plan.ValueBytes];
        for (var i = 0; i < _value.Length; i++)
        {
            _value[i] = (byte)('a' + _random.Next(26));
        }
    }

    /// <summary>Operations that succeeded so far; any thread.</summary>
    public long Done => Volatile.Read(ref _done);

    /// <summary>To be read once the run is over.</summary>
    public LatencyHistogram Latency => _latency;

    public long Failures { get; private set; }

    public string? FirstFailure { get; private set; }

    /// <summary>Until <paramref name="stop"/>. What is under way then is waited for: a request that was let go of could write, or take a lock, after all was removed.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            Note(await OneAsync(), Stopwatch.GetElapsedTime(start));
        }
    }

    public void Dispose() => _client.Dispose();

    private void Note(ApiProblem? problem, TimeSpan elapsed)
    {
        if (problem is null)
        {
            _latency.Add(elapsed);
            Volatile.Write(ref _done, _done + 1);
            return;
        }
        Failures++;
        FirstFailure ??= problem.Detail;
    }

    private Task<ApiProblem?> OneAsync() => _plan.Workload switch
    {
        Workload.Put => PutAsync(),
        Workload.Cas => CompareAndSetAsync(),
        Workload.Get => GetAsync(),
        Workload.Lock => LockAsync(),
        _ => _random.Next(20) switch
        {
            < 16 => GetAsync(),
            < 18 => PutAsync(),
            18 => CompareAndSetAsync(),
            _ => LockAsync(),
        },
    };

    private async Task<ApiProblem?> PutAsync() =>
        (await _client.PutKeyAsync(BenchRun.KeyOf(_plan, _random.Next(_plan.Keys)), _value, null, false, null, CancellationToken.None)).Problem;

    private async Task<ApiProblem?> GetAsync() =>
        (await _client.GetKeyAsync(BenchRun.KeyOf(_plan, _random.Next(_plan.Keys)), CancellationToken.None)).Problem;

    private async Task<ApiProblem?> CompareAndSetAsync()
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{_plan.Prefix}own/{_number}");
        var isFirst = _ownRevision == 0;
        var result = await _client.PutKeyAsync(key, _value, isFirst ? null : _ownRevision, false, null, CancellationToken.None);

        // After a miss, whatever its reason, the next one begins anew.
        _ownRevision = result.Value?.ModRevision ?? 0;
        return result.Problem;
    }

    private async Task<ApiProblem?> LockAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{_plan.Prefix}{_number}");
        var wish = new LockWish(name, "consensusctl bench") { Ttl = TimeSpan.FromSeconds(15) };
        var taken = await _client.AcquireLockAsync(wish, CancellationToken.None);
        return taken.Succeeded
            ? (await _client.ReleaseLockAsync(name, taken.Value.FencingToken, CancellationToken.None)).Problem
            : taken.Problem;
    }
}
