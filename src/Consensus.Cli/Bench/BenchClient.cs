using System.Diagnostics;
using System.Globalization;
using Consensus.Client;

namespace Consensus.Cli.Bench;

/// <summary>One client of a run: asks, waits for the answer, asks again.</summary>
internal sealed class BenchClient
{
    private static readonly LockOptions Options = new() { Owner = "consensusctl bench" };

    private readonly BenchPlan _plan;
    private readonly int _number;
    private readonly ConsensusClient _client;
    private readonly Random _random;
    private readonly byte[] _value;
    private readonly LatencyHistogram _latency = new();
    private long _ownRevision;
    private long _done;

    /// <param name="client">Others may use it too: it lets any number of requests be under way.</param>
    public BenchClient(BenchPlan plan, ConsensusClient client, int number)
    {
        (_plan, _client, _number) = (plan, client, number);
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

    private async Task<ApiProblem?> PutAsync()
    {
        var key = BenchRun.KeyOf(_plan, _random.Next(_plan.Keys));
        return (await _client.Writes.SendAsync(api => api.PutKeyAsync(key, _value, null, CancellationToken.None))).Problem;
    }

    private async Task<ApiProblem?> GetAsync() =>
        (await _client.Writes.Api.GetKeyAsync(BenchRun.KeyOf(_plan, _random.Next(_plan.Keys)), null, CancellationToken.None)).Problem;

    private async Task<ApiProblem?> CompareAndSetAsync()
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{_plan.Prefix}own/{_number}");
        var condition = new KeyPutOptions { IfRevision = _ownRevision == 0 ? null : _ownRevision };
        var result = await _client.Writes.SendAsync(api => api.PutKeyAsync(key, _value, condition, CancellationToken.None));

        // After a miss, whatever its reason, the next one begins anew.
        _ownRevision = result.Value?.ModRevision ?? 0;
        return result.Problem;
    }

    private async Task<ApiProblem?> LockAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{_plan.Prefix}{_number}");
        try
        {
            var handle = await _client.AcquireLockAsync(name, Options, TimeSpan.Zero);
            return await handle.ReleaseAsync() ? null
                : handle.ReleaseAnswer?.Problem ?? new ApiProblem(ApiFailureKind.Refused, 0, "", handle.WhyOver);
        }
        catch (ConsensusException no)
        {
            return no.Problem;
        }
        catch (TimeoutException no)
        {
            return new ApiProblem(ApiFailureKind.Refused, 0, "", no.Message);
        }
    }
}
