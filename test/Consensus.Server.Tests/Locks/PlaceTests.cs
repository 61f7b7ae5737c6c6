using System.Net;
using System.Text.Json;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Locks;

/// <summary>Rule 18: one lease, several requests for the same object. Each has a place and an answer of its own.</summary>
internal sealed class PlaceTests : ContractTest
{
    /// <summary>Path, what somebody takes all of it with, what a request under the lease asks, and how the answer calls who has it.</summary>
    private static readonly TestCaseData[] Kinds =
    [
        Kind("exclusive lock", "/v1/locks/x", """{"owner":"h","ttl":"60s"}""", Exclusive, "owner"),
        Kind("shared lock", "/v1/locks/x", """{"owner":"h","ttl":"60s"}""", """{"owner":"WHO","lease":"LEASE","wait":"WAIT","mode":"shared"}""", "owner"),
        Kind("semaphore", "/v1/semaphores/x", """{"owner":"h","ttl":"60s","permits":3,"count":3}""", Permits, "owner"),
        Kind("election", "/v1/elections/x", """{"candidate":"h","ttl":"60s","value":"v"}""", Candidate, "leader"),
    ];

    private const string Exclusive = """{"owner":"WHO","lease":"LEASE","wait":"WAIT"}""";
    private const string Permits = """{"owner":"WHO","lease":"LEASE","wait":"WAIT","permits":3,"count":2}""";
    private const string Candidate = """{"candidate":"WHO","lease":"LEASE","wait":"WAIT","value":"http://WHO"}""";

    private static TestCaseData Kind(string name, params object[] arguments) => new TestCaseData(arguments).SetArgDisplayNames(name);

    private static string Ask(string form, string who, string lease, string wait) => form
        .Replace("WHO", who, StringComparison.Ordinal)
        .Replace("LEASE", lease, StringComparison.Ordinal)
        .Replace("WAIT", wait, StringComparison.Ordinal);

    /// <summary>Under a lease of its own, without a wait.</summary>
    private static string AskAlone(string form, string who) => Ask(form.Replace("\"lease\":\"LEASE\"", "\"ttl\":\"15s\"", StringComparison.Ordinal), who, "", "0s");

    private static string YouHoldIt(long? token) => $"; you hold it already, with token {token} (the same owner, or the same lease), and holds are not re-entrant";

    private async Task<(string Who, long Token)> GrantAsync(Task<HttpResponseMessage> asked, string who)
    {
        using var response = await asked;
        var text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
        using var json = JsonDocument.Parse(text);
        return (json.RootElement.GetProperty(who).GetString()!, json.RootElement.GetProperty("fencingToken").GetInt64());
    }

    private async Task ReleaseAsync(string path, long token)
    {
        using var released = await SendAsync("DELETE", $"{path}?fencingToken={token}");
        Assert.That(released.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    private Task UntilQueuedAsync(int waiters) => UntilAsync(() => Node.Status.Counts.Waiters == waiters, $"{waiters} wait");

    [TestCaseSource(nameof(Kinds))]
    public async Task Two_requests_of_one_lease_wait_and_both_are_told_what_they_were_granted(string path, string holder, string form, string who)
    {
        var lease = (await GrantLeaseAsync("10m")).Id;
        var (_, held) = await GrantAsync(SendAsync("POST", path, holder), who);
        var first = SendAsync("POST", path, Ask(form, "h1", lease, "30s"));
        await UntilQueuedAsync(1);
        var second = SendAsync("POST", path, Ask(form, "h2", lease, "30s"));
        await UntilQueuedAsync(2);
        await ReleaseAsync(path, held);
        var h1 = await GrantAsync(first, who);
        Assert.That(h1.Who, Is.EqualTo("h1"));
        if (!second.IsCompleted && Node.Status.Counts.Waiters == 1)
        {
            await ReleaseAsync(path, h1.Token);
        }
        var h2 = await GrantAsync(second, who);
        Assert.That((h2.Who, h2.Token > h1.Token), Is.EqualTo(("h2", true)));
    }

    [TestCaseSource(nameof(Kinds))]
    public async Task A_request_without_a_wait_is_refused_at_once_while_one_of_its_lease_waits(string path, string holder, string form, string who)
    {
        var lease = (await GrantLeaseAsync("10m")).Id;
        var (_, held) = await GrantAsync(SendAsync("POST", path, holder), who);
        var waiting = SendAsync("POST", path, Ask(form, "h1", lease, "30s"));
        await UntilQueuedAsync(1);
        var refused = await ProblemAsync(ProblemTypes.LockHeld, "POST", path, Ask(form, "h2", lease, "0s"));
        Assert.That((refused.Holder, refused.FencingToken, refused.Waiters), Is.EqualTo(("h", (long?)held, (long?)1)));
        await ReleaseAsync(path, held);
        Assert.That((await GrantAsync(waiting, who)).Who, Is.EqualTo("h1"));
    }

    [Test]
    public async Task Who_holds_it_under_the_lease_already_is_told_so()
    {
        var lease = (await GrantLeaseAsync("10m")).Id;
        foreach (var (path, form) in new[] { ("/v1/locks/x", Exclusive), ("/v1/semaphores/x", Permits), ("/v1/elections/x", Candidate) })
        {
            using var held = await SendAsync("POST", path, Ask(form, "h1", lease, "0s"));
            Assert.That(held.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            var refused = await ProblemAsync(ProblemTypes.LockHeld, "POST", path, Ask(form, "h2", lease, "0s"));
            Assert.That((refused.Holder, refused.OwnFencingToken), Is.EqualTo(("h1", refused.FencingToken)));
            Assert.That(refused.Detail, Does.EndWith(YouHoldIt(refused.FencingToken)));
            var namesake = await ProblemAsync(ProblemTypes.LockHeld, "POST", path, AskAlone(form, "h1"));
            Assert.That(namesake.OwnFencingToken, Is.EqualTo(refused.FencingToken));
            var stranger = await ProblemAsync(ProblemTypes.LockHeld, "POST", path, AskAlone(form, "h3"));
            Assert.That((stranger.Holder, stranger.OwnFencingToken), Is.EqualTo(("h1", (long?)null)));
            Assert.That(stranger.Detail, Does.Not.Contain("you hold it"));
        }
        var several = await ProblemAsync(ProblemTypes.LockHeld, "POST", "/v1/multilock", $$"""{"names":["free","x"],"owner":"h2","lease":"{{lease}}"}""");
        Assert.That((several.Name, several.OwnFencingToken), Is.EqualTo(("x", several.FencingToken)));
        Assert.That(several.Detail, Does.EndWith(YouHoldIt(several.FencingToken)));
    }

    [Test]
    public async Task A_retry_finds_its_own_hold_beside_another_request_of_its_lease()
    {
        var lease = (await GrantLeaseAsync("10m")).Id;
        var (path, form) = ("/v1/locks/x", Exclusive);
        var held = await AcquireAsync("x", "h", "60s");
        var first = SendAsync("POST", path, Ask(form, "h1", lease, "30s"), ("Idempotency-Key", "k1"));
        await UntilQueuedAsync(1);
        var second = SendAsync("POST", path, Ask(form, "h2", lease, "30s"), ("Idempotency-Key", "k2"));
        await UntilQueuedAsync(2);
        await ReleaseAsync(path, held.FencingToken);
        var granted = await GrantAsync(first, "owner");
        var again = await GrantAsync(SendAsync("POST", path, Ask(form, "h1", lease, "30s"), ("Idempotency-Key", "k1")), "owner");
        Assert.That(again, Is.EqualTo(granted));
        await ReleaseAsync(path, granted.Token);
        Assert.That((await GrantAsync(second, "owner")).Who, Is.EqualTo("h2"));
    }

    [Test]
    public async Task The_key_of_a_waiting_request_without_a_wait_is_another_request()
    {
        var lease = (await GrantLeaseAsync("10m")).Id;
        var held = await AcquireAsync("x", "h", "60s");
        var waiting = SendAsync("POST", "/v1/locks/x", Ask(Exclusive, "w", lease, "30s"), ("Idempotency-Key", "k"));
        await UntilQueuedAsync(1);
        await ProblemAsync(ProblemTypes.IdempotencyMismatch, "POST", "/v1/locks/x", Ask(Exclusive, "w", lease, "0s"), ("Idempotency-Key", "k"));
        await ReleaseAsync("/v1/locks/x", held.FencingToken);
        Assert.That((await GrantAsync(waiting, "owner")).Who, Is.EqualTo("w"));
    }

    [Test]
    public async Task A_wait_under_a_lease_without_a_key_ends_with_the_connection_of_its_member_and_nothing_was_done()
    {
        var lease = (await GrantLeaseAsync("10m")).Id;
        await AcquireAsync("x", "h", "60s");
        var nameless = SendAsync("POST", "/v1/locks/x", Ask(Exclusive, "w1", lease, "30s"));
        await UntilQueuedAsync(1);
        var named = SendAsync("POST", "/v1/locks/x", Ask(Exclusive, "w2", lease, "30s"), ("Idempotency-Key", "k"));
        await UntilQueuedAsync(2);
        Node.Propose(new DetachWaitersCommand(Node.Status.Self, 0));
        using var gone = await nameless;
        await ReadProblemAsync(gone, ProblemTypes.NotReady);
        using var kept = await named;
        await ReadProblemAsync(kept, ProblemTypes.OutcomeUnknown);
        Assert.That(Node.Status.Counts.Waiters, Is.EqualTo(1));
    }
}
