using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers.Histories;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using static Consensus.Chaos.Clients.AnswerReader;

namespace Consensus.Chaos.Clients;

/// <summary>
/// A client that watches a key, a prefix or an election over server-sent events: it goes on behind the last revision that it was told of, at another member, whenever its stream
/// ends or is silent for long; it reads anew where what comes next is forgotten.
/// </summary>
/// <param name="isScribe">It leaves no stream by itself, and what it is told is what the others are held against.</param>
internal sealed class ChaosWatcher(Record record, Func<IReadOnlyList<Door>> doors, ChaosClient reader, WatchTarget target, Revision? from, bool isScribe, string name, ulong seed) : IDisposable
{
    private readonly DeterministicRandom _random = new(seed);
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private Revision? _next = from;
    private long _told;
    private bool _wasOpened;
    private volatile bool _settles;

    public override string ToString() => $"watch {name} of {target.Kind} \"{target.Name}\", told up to {Interlocked.Read(ref _told)}";

    /// <summary>It watches this key or election.</summary>
    public bool Watches(Key key, bool isElection) => target.Kind switch
    {
        WatchKind.Key => !isElection && key == target.Name,
        WatchKind.Prefix => !isElection && key.StartsWith(target.Name),
        _ => isElection && key == target.Name,
    };

    /// <summary>It was told everything up to here.</summary>
    public bool IsToldUpTo(Revision revision) => Interlocked.Read(ref _told) >= revision.Value;

    /// <summary>From now on it stays with a stream that goes on.</summary>
    public void Settle() => _settles = true;

    public void Dispose() => _http.Dispose();

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await WatchAsync(stop);
            }
            catch (Exception e) when (Attempts.IsLoss(e))
            {
                // It ended, or its client left it: it goes on elsewhere.
            }
            await Task.Delay((int)_random.Next(_settles || isScribe || !_random.Chance(1, 5) ? 200 : 4_000), CancellationToken.None);
        }
    }

    private async Task WatchAsync(CancellationToken stop)
    {
        var present = doors();
        var door = present[(int)_random.Next(present.Count)];
        using var request = new HttpRequestMessage(HttpMethod.Get, door.Url + Path());
        request.Headers.Host = door.Host;
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (_next is { } next && _random.Chance(1, 2))
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", Text(next.Value - 1));
        }
        var who = $"{name} at {door.Url}";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter((int)_random.Next(1_000, 8_000));
        var whenAsked = record.Newest;
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        var view = response.Headers.TryGetValues("Consensus-Revision", out var values) ? new Revision(long.Parse(values.First(), CultureInfo.InvariantCulture)) : Revision.Zero;
        switch (response.StatusCode)
        {
            case HttpStatusCode.OK:
                var session = new WatchSession(who, target, _next ?? view.Next, view, whenAsked) { IsResumed = _wasOpened };
                record.Opened(session);
                var isNew = _next is null;
                _next ??= view.Next;
                _wasOpened = true;
                await FollowAsync(session, isNew, response, patience, stop);
                break;
            case HttpStatusCode.Gone:
                var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(patience.Token));
                var refused = new WatchSession(who, target, _next!.Value, view, whenAsked);
                record.Opened(refused);
                refused.Compacted(_next.Value, new Revision(Number(problem, "compactRevision")));
                await ReadAnewAsync();
                break;
            case HttpStatusCode.BadRequest:
                WatchOrder.InTheFuture(who, _next ?? Revision.Zero, view);
                break;
            default:
                break;
        }
    }

    /// <summary>Where what comes next is forgotten: the present state, and what comes after it.</summary>
    private async Task ReadAnewAsync()
    {
        var seen = await reader.LookAsync(target);
        _next = seen is { } revision ? new Revision(revision).Next : _next;
    }

    private async Task FollowAsync(WatchSession session, bool isNew, HttpResponseMessage response, CancellationTokenSource patience, CancellationToken stop)
    {
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(patience.Token), Encoding.UTF8);
        var leavesAt = isScribe || _settles ? long.MaxValue : Environment.TickCount64 + _random.Next(1 + _random.Next(20_000));
        var message = new Message();
        while (!stop.IsCancellationRequested && (_settles || Environment.TickCount64 < leavesAt))
        {
            // Of a stream that says nothing for so long it thinks that it is dead.
            patience.CancelAfter((int)Math.Min(_random.Next(3_000, 10_000), _settles ? 10_000 : Math.Max(1, leavesAt - Environment.TickCount64)));
            if (await lines.ReadLineAsync(patience.Token) is not { } line)
            {
                return;
            }
            if (line.Length > 0)
            {
                message.Take(line);
                continue;
            }
            if (!Take(session, message, isNew))
            {
                await ReadAnewAsync();
                return;
            }
            (message, isNew) = (new Message(), false);
        }
    }

    /// <summary>False when it was the last one, and what comes next is forgotten.</summary>
    private bool Take(WatchSession session, Message message, bool isNew)
    {
        var revision = new Revision(message.Id);
        switch (message.Event)
        {
            case "open":
                break;
            case "compacted":
                session.Compacted(_next!.Value, new Revision(Number(message.Json(), "compactRevision")));
                return false;
            case "":
                session.PassedOver(revision);
                Passed(revision);
                break;
            case "leader" or "none" when isNew:
                session.Present(revision, LeaderOf(message.Json(), revision));
                Passed(revision);
                break;
            case "leader" or "none":
                Told(session, revision, [new ElectionChange(revision, target.Name, LeaderOf(message.Json(), revision))]);
                break;
            case "changes":
                Told(session, revision, [.. message.Json().GetProperty("events").EnumerateArray().Select(one => ChangeOf(one, one.GetProperty("event").GetString()!, revision))]);
                break;
            default:
                Told(session, revision, [ChangeOf(message.Json(), message.Event, revision)]);
                break;
        }
        return true;
    }

    private void Told(WatchSession session, Revision revision, IReadOnlyList<Change> changes)
    {
        session.Told(revision, changes);
        if (isScribe)
        {
            record.Told(revision, changes);
        }
        Passed(revision);
    }

    private void Passed(Revision revision)
    {
        _next = revision >= _next ? revision.Next : _next;
        Interlocked.Exchange(ref _told, Math.Max(revision.Value, _told));
    }

    private static KeyChange ChangeOf(JsonElement json, string kind, Revision revision)
    {
        var before = json.TryGetProperty("prev", out var was) ? ItemOf(was).Record : null;
        return kind switch
        {
            "put" => new KeyChange(revision, ItemOf(json).Key, before, ItemOf(json).Record),
            "delete" => new KeyChange(new Revision(Number(json, "modRevision")), Key.FromText(json.GetProperty("key").GetString()!), before, null),
            _ => throw new InvalidDataException($"a watch was told {kind} {json}"),
        };
    }

    private Hold? LeaderOf(JsonElement json, Revision revision) => json.GetProperty("leader").GetString() is not { } owner
        ? null
        : new Hold(target.Name, owner, new FencingToken(Number(json, "fencingToken")), LeaseOf(json), 0, revision, default)
        {
            Space = HoldSpace.Election,
            Value = Encoding.UTF8.GetBytes(json.GetProperty("value").GetString()!),
        };

    private string Path()
    {
        var parameters = new List<string>();
        if (_next is { } next)
        {
            parameters.Add("fromRevision=" + Text(next.Value));
        }
        if (target.WithPrevious)
        {
            parameters.Add("prev=true");
        }
        if (target.Kind == WatchKind.Prefix)
        {
            parameters.Add("prefix=" + target.Name);
        }
        var path = target.Kind switch
        {
            WatchKind.Key => $"/v1/kv/{target.Name}",
            WatchKind.Prefix => "/v1/kv/",
            _ => RequestWriter.PathOf(ObjectName.Election(target.Name)),
        };
        return parameters.Count == 0 ? path : $"{path}?{string.Join('&', parameters)}";
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Of an event stream (WHATWG HTML §9.2), as far as it has come.</summary>
    private sealed class Message
    {
        private string _data = "";

        public long Id { get; private set; }

        /// <summary>Empty for a comment.</summary>
        public string Event { get; private set; } = "";

        public JsonElement Json() => JsonSerializer.Deserialize<JsonElement>(_data);

        public void Take(string line)
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            switch (colon < 0 ? "" : line[..colon])
            {
                case "id":
                    Id = long.Parse(line.AsSpan(colon + 2), CultureInfo.InvariantCulture);
                    break;
                case "event":
                    Event = line[(colon + 2)..];
                    break;
                case "data":
                    _data += line[(colon + 2)..];
                    break;
                default:
                    break;
            }
        }
    }
}
