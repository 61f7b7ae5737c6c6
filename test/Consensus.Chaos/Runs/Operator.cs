using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Consensus.Chaos.Clients;
using Consensus.Chaos.Machines;
using Consensus.Primitives;

namespace Consensus.Chaos.Runs;

/// <summary>Who asks for changes of the membership and for another leader: at whichever member, again and again where what was asked for must come to be.</summary>
internal sealed class Operator(ChaosCluster cluster, DeterministicRandom random) : IDisposable
{
    private const string MembersPath = "/v1/cluster/members";

    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), UseProxy = false }) { Timeout = TimeSpan.FromSeconds(7) };
    private readonly CancellationTokenSource _patience = new();

    /// <summary>What was asked for last and what came of it, for whoever waits in vain.</summary>
    public string LastStep { get; private set; } = "not begun";

    /// <summary>Afterwards whatever still waits ends with <see cref="OperationCanceledException"/>.</summary>
    public void LosePatienceAfter(TimeSpan limit) => _patience.CancelAfter(limit);

    public void Dispose()
    {
        _http.Dispose();
        _patience.Dispose();
    }

    /// <summary>Until the process that waits under this name is a learner.</summary>
    /// <param name="not">The id of a former member of that name: a member that is behind may still answer with it.</param>
    /// <returns>The new member's id.</returns>
    public async Task<string> AddAsync(string name, string? not = null)
    {
        while (true)
        {
            var id = (await UntilDoneAsync(HttpMethod.Post, MembersPath, $$"""{"name":"{{name}}"}""")).GetProperty("id").GetString()!;
            if (id != not)
            {
                return id;
            }
            await PauseAsync();
        }
    }

    /// <param name="replaces">Who stops voting in the same step.</param>
    public Task PromoteAsync(string id, string? replaces = null) => UntilDoneAsync(
        HttpMethod.Patch, $"{MembersPath}/{id}", replaces is null ? """{"role":"voter"}""" : $$"""{"role":"voter","replaces":"{{replaces}}"}""");

    public Task RemoveAsync(string id) => UntilDoneAsync(HttpMethod.Delete, $"{MembersPath}/{id}");

    /// <summary>Asked for once; true when it was said to be done.</summary>
    public async Task<bool> HandOverAsync(string to) => await TryAsync(HttpMethod.Post, AnyUrl() + "/v1/cluster/leader", $$"""{"to":"{{to}}"}""") is not null;

    /// <summary>What some member says of the cluster; null when it does not answer.</summary>
    public Task<JsonElement?> ClusterAsync() => ClusterAsync(AnyUrl());

    public Task<JsonElement?> ClusterAsync(string url) => TryAsync(HttpMethod.Get, url + "/v1/cluster");

    public async Task<bool> IsReadyAsync(string url) => await TryAsync(HttpMethod.Get, url + "/readyz") is not null;

    /// <summary>Until every member says that exactly these are members, and all of them voters.</summary>
    public async Task UntilAllKnowAsync(IReadOnlyList<Member> members)
    {
        var expected = members.Select(m => m.Name).Order(StringComparer.Ordinal).ToList();
        foreach (var member in members)
        {
            while (true)
            {
                var known = await ClusterAsync(member.Url) is { } answer
                    ? answer.GetProperty("members").EnumerateArray().Select(m => (Name: m.GetProperty("name").GetString()!, Role: m.GetProperty("role").GetString()!)).ToList()
                    : [];
                if (known.Select(m => m.Name).Order(StringComparer.Ordinal).SequenceEqual(expected) && known.TrueForAll(m => m.Role != "learner"))
                {
                    break;
                }
                LastStep = $"{member.Name} knows {string.Join(", ", known.Select(m => $"{m.Name} ({m.Role})"))}, not {string.Join(", ", expected)}; {LastStep}";
                await PauseAsync();
            }
        }
    }

    public Task PauseAsync() => Task.Delay((int)random.Next(50, 500), _patience.Token);

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
            LastStep = $"{method} {url} {body} was answered {(int)response.StatusCode} {text}";
            return response.IsSuccessStatusCode ? JsonSerializer.Deserialize<JsonElement>(text) : null;
        }
        catch (Exception e) when (Attempts.IsLoss(e) && !_patience.IsCancellationRequested)
        {
            LastStep = $"{method} {url} {body} was not answered: {e.Message}";
            return null;
        }
    }

    private string AnyUrl()
    {
        var members = cluster.Members;
        return members[(int)random.Next(members.Count)].Url;
    }
}
