using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Consensus.Cli.Tests.Support;

namespace Consensus.Client.Tests.Support;

/// <summary>An endpoint that knows sessions: it grants whatever is asked for, and tells the news that a test has made up.</summary>
internal sealed partial class FakeSessions : IDisposable
{
    public const string Id = "00000000000000aa";

    private readonly FakeServer _server;
    private readonly ConcurrentQueue<string> _ended = new();
    private readonly ConcurrentDictionary<long, string> _held = new();
    private long _token = 100;
    private long _version;

    public FakeSessions() => _server = new FakeServer(AnswerAsync);

    public Uri Endpoint => _server.Endpoint;

    public ConcurrentQueue<FakeRequest> Requests => _server.Requests;

    /// <summary>Answers in place of this server's own; null leaves it to that.</summary>
    public Func<FakeRequest, Task<FakeAnswer?>> Instead { get; set; } = static _ => Task.FromResult<FakeAnswer?>(null);

    /// <summary>More has ended than the news remember.</summary>
    public bool MustList { get; set; }

    public int Renewals => Requests.Count(request => request.Path.EndsWith("/keepalive", StringComparison.Ordinal));

    /// <summary>An operator breaks a hold.</summary>
    public void Break(string name, long token, bool isTold = true)
    {
        _held.TryRemove(token, out _);
        Interlocked.Increment(ref _version);
        if (isTold)
        {
            _ended.Enqueue($$"""{"kind":"lock","name":"{{name}}","reason":"forced","fencingToken":{{token}}}""");
        }
    }

    /// <summary>There is a hold that no request has asked for.</summary>
    public long Plant(string name)
    {
        var token = Interlocked.Increment(ref _token);
        _held[token] = name;
        Interlocked.Increment(ref _version);
        return token;
    }

    /// <summary>The number that a write bore; null for a key.</summary>
    public static long? SeqOf(FakeRequest request) => request.Header("Consensus-Session") is { } header
        ? long.Parse(Seq().Match(header).Groups[1].Value, CultureInfo.InvariantCulture)
        : null;

    public static long AckedOf(FakeRequest request) =>
        long.Parse(Acked().Match(request.Header("Consensus-Session")!).Groups[1].Value, CultureInfo.InvariantCulture);

    public static FakeAnswer Granted(string name, long token, string lease, int ttlMs = 15_000) => new(
        200,
        $$"""
        {"name":"{{name}}","owner":"me","mode":"exclusive","fencingToken":{{token}},"lease":"{{lease}}","ttlMs":{{ttlMs}},
        "waitedMs":0,"expiresInMs":{{ttlMs}},"clusterId":"c"}
        """);

    public void Dispose() => _server.Dispose();

    private async Task<FakeAnswer> AnswerAsync(FakeRequest request) => await Instead(request) ?? Answer(request);

    private FakeAnswer Answer(FakeRequest request) => (request.Method, request.Path) switch
    {
        ("POST", "/v1/leases") => new FakeAnswer(201, $$"""{"id":"{{Id}}","ttlMs":15000,"expiresInMs":15000,"session":true}"""),
        ("POST", $"/v1/leases/{Id}/keepalive") =>
            new FakeAnswer(200, $$"""{"id":"{{Id}}","ttlMs":15000,"expiresInMs":15000,"news":{{News(request)}}}"""),
        ("POST", $"/v1/leases/{Id}/settle") => new FakeAnswer(200, """{"seq":1,"result":"not-done","revision":9}"""),
        ("POST", var path) => Grant(path["/v1/locks/".Length..], request.Text.Contains(Id, StringComparison.Ordinal)),
        ("DELETE", var path) when path.StartsWith("/v1/locks/", StringComparison.Ordinal) => Release(request),
        ("DELETE", _) => new FakeAnswer(200, """{"outcome":"withdrawn","revision":9,"id":"1","keysDeleted":0,"locksFreed":0,"deleted":0}"""),
        _ => new FakeAnswer(200, """{"key":"k","createRevision":1,"modRevision":1,"version":1,"lease":null,"deleted":0,"revision":1}"""),
    };

    private FakeAnswer Grant(string name, bool isUnderSession)
    {
        var token = Interlocked.Increment(ref _token);
        if (isUnderSession)
        {
            _held[token] = name;
            Interlocked.Increment(ref _version);
        }
        return Granted(name, token, isUnderSession ? Id : "1f");
    }

    private FakeAnswer Release(FakeRequest request)
    {
        _held.TryRemove(long.Parse(request.Target.Split("fencingToken=")[1], CultureInfo.InvariantCulture), out _);
        return new FakeAnswer(204);
    }

    /// <summary>It tells all that there is each time, which is more than it need.</summary>
    private string News(FakeRequest request)
    {
        using var asked = JsonDocument.Parse(request.Text);
        var since = asked.RootElement.GetProperty("since").GetInt64();
        var began = string.Join(',', _held.Select(hold => $$"""{"kind":"lock","name":"{{hold.Value}}","fencingToken":{{hold.Key}}}"""));
        var mustList = MustList && since != 0;
        MustList &= !mustList;
        var ended = since == 0 ? "" : string.Join(',', _ended);
        var flag = mustList ? "true" : "false";
        return $$"""{"version":{{Interlocked.Read(ref _version) + 1}},"mustList":{{flag}},"ended":[{{ended}}],"began":[{{began}}]}""";
    }

    [GeneratedRegex("seq=([0-9]+)")]
    private static partial Regex Seq();

    [GeneratedRegex("acked=([0-9]+)")]
    private static partial Regex Acked();
}
