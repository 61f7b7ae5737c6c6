using System.Globalization;
using System.Text.Json;
using Consensus.Simulation.Nodes;

namespace Consensus.Chaos.Runs;

/// <summary>
/// State-machine safety (Raft §5.4.3), seen from outside: members that applied the same entries say the same hash of their state. Asked all the time, of whoever
/// answers; at the end of each round all members must come to one index.
/// </summary>
internal sealed class EqualStates(ChaosCluster cluster) : IDisposable
{
    private const int PauseMs = 200;

    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };
    private readonly Dictionary<long, Said> _said = [];

    /// <summary>How often two members were at one index.</summary>
    public long Compared { get; private set; }

    public void Dispose() => _http.Dispose();

    /// <exception cref="SimulationFailureException">Two members are in different states after the same entries.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await LookAsync();
            await Task.Delay(PauseMs, CancellationToken.None);
        }
    }

    /// <summary>Until all members are at one index, which they reach once nobody asks any more.</summary>
    /// <exception cref="SimulationFailureException">Two members are in different states after the same entries, or they do not get to one index within the limit.</exception>
    public async Task UntilAllAreAtOneIndexAsync(TimeSpan limit)
    {
        using var deadline = new CancellationTokenSource(limit);
        while (true)
        {
            var indexes = await LookAsync();
            if (indexes.Distinct().Count() == 1 && indexes[0] is not null)
            {
                return;
            }
            if (deadline.IsCancellationRequested)
            {
                throw new SimulationFailureException("progress", string.Create(
                    CultureInfo.InvariantCulture, $"members did not get to one index within {limit.TotalSeconds} s: {string.Join(", ", indexes.Select(i => i?.ToString(CultureInfo.InvariantCulture) ?? "no answer"))}"));
            }
            await Task.Delay(PauseMs, CancellationToken.None);
        }
    }

    /// <returns>Where each member is; null for one that does not answer.</returns>
    private async Task<IReadOnlyList<long?>> LookAsync()
    {
        var members = cluster.Members;
        var answers = await Task.WhenAll(members.Select(member => StatusAsync(member.Url)));
        for (var i = 0; i < answers.Length; i++)
        {
            // Before its first entry a process has no state to speak of.
            if (answers[i] is ( > 0 and var index, var hash))
            {
                Note(index, new Said(members[i].Name, hash));
            }
        }
        return [.. answers.Select(answer => answer?.Index)];
    }

    private void Note(long index, Said said)
    {
        if (!_said.TryAdd(index, said) && _said[index] is var before && before.Member != said.Member)
        {
            Compared++;
            if (before.Hash != said.Hash)
            {
                throw new SimulationFailureException("state-machine safety", string.Create(
                    CultureInfo.InvariantCulture, $"at index {index} the state of {before.Member} is {before.Hash}, that of {said.Member} is {said.Hash}"));
            }
        }
    }

    private async Task<(long Index, string Hash)?> StatusAsync(string url)
    {
        try
        {
            using var response = await _http.GetAsync(url + "/v1/status");
            using var status = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
            return response.IsSuccessStatusCode
                ? (status.RootElement.GetProperty("appliedIndex").GetInt64(), status.RootElement.GetProperty("stateHash").GetString()!)
                : null;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return null;
        }
    }

    private readonly record struct Said(string Member, string Hash);
}
