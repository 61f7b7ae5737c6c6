using System.Text.Json.Nodes;
using Consensus.Api.Durations;

namespace Consensus.Cli.Tests.Support;

/// <summary>
/// The lock part of the contract for one lock: acquire, renew, release, with every answer open to be replaced by a test. Leases never
/// expire here by themselves: what the client does about time is what is tested.
/// </summary>
internal sealed class FakeLocks
{
    private readonly Lock _gate = new();
    private long _lastToken = 40;
    private long _ttlMs;
    private string? _grantKey;

    public string? Owner { get; private set; }

    public long Token { get; private set; }

    public bool Held => Owner is not null;

    public int Renewals { get; private set; }

    public int Releases { get; private set; }

    /// <summary>The keys under which something was withdrawn.</summary>
    public List<string> Withdrawn { get; } = [];

    /// <summary>Takes the place of the answer to a renewal, or null for the real one.</summary>
    public Func<FakeAnswer?> OnRenew { get; set; } = () => null;

    /// <summary>Takes the place of the answer to a withdrawal, or null for the real one.</summary>
    public Func<FakeAnswer?> OnWithdraw { get; set; } = () => null;

    /// <summary>Takes the place of the answer to an acquire, or null for the real one.</summary>
    public Func<FakeRequest, FakeAnswer?> OnAcquire { get; set; } = _ => null;

    /// <summary>Someone else takes the lock, as after a forced break.</summary>
    public void GiveTo(string owner)
    {
        lock (_gate)
        {
            Owner = owner;
            Token = ++_lastToken;
        }
    }

    public FakeAnswer Answer(FakeRequest request)
    {
        lock (_gate)
        {
            return request.Method switch
            {
                "POST" => OnAcquire(request) ?? Acquire(request),
                "PUT" => OnRenew() ?? Renew(JsonNode.Parse(request.Text)!["fencingToken"]!.GetValue<long>()),
                "DELETE" when request.Path.StartsWith("/v1/requests/", StringComparison.Ordinal) =>
                    OnWithdraw() ?? Withdraw(request.Path["/v1/requests/".Length..]),
                "DELETE" => Release(long.Parse(request.Target.Split("fencingToken=")[1])),
                _ => new FakeAnswer(405),
            };
        }
    }

    public FakeAnswer Acquire(FakeRequest request)
    {
        if (Held)
        {
            return FakeAnswer.Problem(409, "lock-held", $"The lock is held by {Owner}.");
        }
        var body = JsonNode.Parse(request.Text)!;
        Owner = body["owner"]!.GetValue<string>();
        Token = ++_lastToken;
        _grantKey = request.Header("Idempotency-Key");
        Assert.That(DurationText.TryParseMicros(body["ttl"]!.GetValue<string>(), out var micros));
        var ttl = _ttlMs = micros / 1_000;
        return new FakeAnswer(200, $$"""
            {"name":"{{Uri.UnescapeDataString(request.Path["/v1/locks/".Length..])}}","owner":"{{Owner}}","mode":"exclusive","fencingToken":{{Token}},"lease":"1f","ttlMs":{{ttl}},"waitedMs":0,"expiresInMs":{{ttl}},"clusterId":"c1"}
            """);
    }

    private FakeAnswer Withdraw(string key)
    {
        Withdrawn.Add(key);
        var isGranted = Held && key == _grantKey;
        Owner = isGranted ? null : Owner;
        return new FakeAnswer(200, $$"""{"outcome":"{{(isGranted ? "released" : "withdrawn")}}","revision":9}""");
    }

    private FakeAnswer Renew(long token)
    {
        Renewals++;
        return Held && token == Token
            ? new FakeAnswer(200, $$"""
                {"name":"a","owner":"{{Owner}}","mode":"exclusive","fencingToken":{{Token}},"lease":"1f","ttlMs":{{_ttlMs}},
                "expiresInMs":{{_ttlMs}},"clusterId":"c1"}
                """)
            : FakeAnswer.Problem(412, "not-holder", "The hold was broken at revision 9.");
    }

    private FakeAnswer Release(long token)
    {
        if (!Held || token != Token)
        {
            return FakeAnswer.Problem(412, "not-holder", "The hold was broken at revision 9.");
        }
        Releases++;
        Owner = null;
        return new FakeAnswer(204);
    }
}
