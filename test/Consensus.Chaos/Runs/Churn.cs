using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Consensus.Chaos.Machines;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;

namespace Consensus.Chaos.Runs;

/// <summary>
/// One change of the membership, while other faults go on: a process joins, is added, votes, and another voter is removed: sometimes the leader, sometimes one that
/// is dead, sometimes one whose disk is lost. What is refused or of unknown fate is asked again, as an operator would. Once all else is healed it must come to its end.
/// </summary>
internal sealed class Churn(ChaosCluster cluster, ulong seed, Action<string> count) : IDisposable
{
    private const string MembersPath = "/v1/cluster/members";

    private readonly DeterministicRandom _random = new(seed);
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), UseProxy = false }) { Timeout = TimeSpan.FromSeconds(7) };
    private readonly CancellationTokenSource _patience = new();
    private readonly CancellationTokenSource _faultsAreOver = new();
    private string _step = "not begun";
    private Task _change = Task.CompletedTask;

    private enum Leaver
    {
        Voter,
        Leader,
        Killed,
        Diskless,
    }

    public bool IsUnderWay => !_change.IsCompleted;

    public void Begin() => _change = Task.Run(ReplaceOneAsync);

    /// <summary>All else is healed.</summary>
    /// <exception cref="SimulationFailureException">The change is not over within the limit, or the members do not agree on who they are.</exception>
    public async Task FinishAsync(TimeSpan limit)
    {
        _patience.CancelAfter(limit);
        await _faultsAreOver.CancelAsync();
        try
        {
            await _change;
            await UntilAllKnowTheMembersAsync();
        }
        catch (OperationCanceledException)
        {
            throw new SimulationFailureException("progress", string.Create(
                CultureInfo.InvariantCulture, $"the membership did not settle within {limit.TotalSeconds} s of healing: {_step}"));
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _patience.Dispose();
        _faultsAreOver.Dispose();
    }

    private async Task ReplaceOneAsync()
    {
        if (!await AllAreFormedAsync())
        {
            return;
        }
        var voters = cluster.Members;
        var joiner = cluster.StartJoiner();
        var added = await UntilDoneAsync(HttpMethod.Post, MembersPath, $$"""{"name":"{{joiner.Name}}"}""");
        var joinerId = added.GetProperty("id").GetString()!;
        cluster.UpdateUrls();
        count("membership: a learner is added");

        var isSwap = _random.Chance(1, 3);
        if (!isSwap)
        {
            await UntilDoneAsync(HttpMethod.Patch, $"{MembersPath}/{joinerId}", """{"role":"voter"}""");
            count("membership: a learner votes");
        }
        var (leaver, leaverId, kind) = await ChooseAsync(voters);
        if (kind is Leaver.Killed or Leaver.Diskless)
        {
            leaver.End(withData: kind == Leaver.Diskless);
        }
        if (isSwap)
        {
            await UntilDoneAsync(HttpMethod.Patch, $"{MembersPath}/{joinerId}", $$"""{"role":"voter","replaces":"{{leaverId}}"}""");
        }
        else
        {
            await UntilDoneAsync(HttpMethod.Delete, $"{MembersPath}/{leaverId}");
        }
        count($"membership: {(isSwap ? "a learner votes in the place of" : "removal of")} {Describe(kind)}");
        // Until it learns that it was removed, clients go on asking it: it must not answer out of the past.
        if (await leaver.HasEndedWithinAsync(TimeSpan.FromSeconds(5)) && kind is Leaver.Voter or Leaver.Leader)
        {
            count("membership: a removed process ended by itself");
        }
        cluster.Leave(leaver);
    }

    /// <summary>Whoever is ready has formed, and needs the list of the first members no more. False when faults ended before all had.</summary>
    private async Task<bool> AllAreFormedAsync()
    {
        while (cluster.Members.FirstOrDefault(m => !m.IsFormed) is { } member)
        {
            if (_faultsAreOver.IsCancellationRequested)
            {
                return false;
            }
            member.IsFormed = await TryAsync(HttpMethod.Get, member.Url + "/readyz") is not null;
            await Task.Delay(100);
        }
        return true;
    }

    private async Task<(Member Leaver, string Id, Leaver Kind)> ChooseAsync(IReadOnlyList<Member> voters)
    {
        while (true)
        {
            _step = "nobody tells who the members are; " + _step;
            var kind = (Leaver)_random.Next(4);
            if (await TryAsync(HttpMethod.Get, AnyUrl() + "/v1/cluster") is { } answer)
            {
                var name = kind == Leaver.Leader ? answer.GetProperty("leader").GetString() : voters[(int)_random.Next(voters.Count)].Name;
                var leaver = voters.FirstOrDefault(m => m.Name == name);
                var known = answer.GetProperty("members").EnumerateArray().Where(m => m.GetProperty("name").GetString() == name).Take(1).ToList();
                if (leaver is not null && known.Count == 1)
                {
                    var mayBe = kind is Leaver.Killed or Leaver.Diskless && !MayDie(leaver) ? Leaver.Voter : kind;
                    return (leaver, known[0].GetProperty("id").GetString()!, mayBe);
                }
            }
            await PauseAsync();
        }
    }

    /// <summary>Only where a majority of the others is up.</summary>
    private bool MayDie(Member leaver)
    {
        var rest = cluster.Members.Where(m => m != leaver).ToList();
        return rest.Count(m => m is { IsUp: true, IsFrozen: false }) > rest.Count / 2;
    }

    private async Task UntilAllKnowTheMembersAsync()
    {
        var expected = cluster.Members.Select(m => m.Name).Order(StringComparer.Ordinal).ToList();
        foreach (var member in cluster.Members)
        {
            while (true)
            {
                var known = await TryAsync(HttpMethod.Get, member.Url + "/v1/cluster") is { } answer
                    ? answer.GetProperty("members").EnumerateArray().ToDictionary(m => m.GetProperty("name").GetString()!, m => m.GetProperty("role").GetString()!)
                    : [];
                if (known.Keys.Order(StringComparer.Ordinal).SequenceEqual(expected) && !known.ContainsValue("learner"))
                {
                    break;
                }
                _step = $"{member.Name} knows {string.Join(", ", known.Select(m => $"{m.Key} ({m.Value})"))}, not {string.Join(", ", expected)}";
                await PauseAsync();
            }
        }
    }

    private async Task<JsonElement> UntilDoneAsync(HttpMethod method, string path, string body = "")
    {
        while (true)
        {
            if (await TryAsync(method, AnyUrl() + path, body) is { } answer)
            {
                return answer;
            }
            await PauseAsync();
        }
    }

    /// <summary>The body of a success; null otherwise.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "The request disposes its content.")]
    private async Task<JsonElement?> TryAsync(HttpMethod method, string url, string body = "")
    {
        try
        {
            using var request = new HttpRequestMessage(method, url) { Content = method == HttpMethod.Get ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
            using var response = await _http.SendAsync(request, _patience.Token);
            var text = await response.Content.ReadAsStringAsync(_patience.Token);
            _step = $"{method} {url} {body} was answered {(int)response.StatusCode} {text}";
            return response.IsSuccessStatusCode ? JsonSerializer.Deserialize<JsonElement>(text) : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException && !_patience.IsCancellationRequested)
        {
            _step = $"{method} {url} {body} was not answered: {e.Message}";
            return null;
        }
    }

    private string AnyUrl()
    {
        var members = cluster.Members;
        return members[(int)_random.Next(members.Count)].Url;
    }

    private Task PauseAsync() => Task.Delay((int)_random.Next(50, 500), _patience.Token);

    private static string Describe(Leaver kind) => kind switch
    {
        Leaver.Voter => "a voter",
        Leaver.Leader => "the leader",
        Leaver.Killed => "a dead voter",
        _ => "a voter without its disk",
    };
}
