using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Locks;

internal sealed class MultiLockTests : ContractTest
{
    private const string Path = "/v1/multilock";

    private Task<MultiLockAnswer> AcquireManyAsync(string body) =>
        AnswerAsync(ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", Path, body);

    [Test]
    public async Task All_are_granted_in_one_step_with_a_token_each_and_one_lease()
    {
        var granted = await AcquireManyAsync("""{"names":["b","a/1","c"],"owner":"me","ttl":"15s","metadata":{"x":1}}""");
        Assert.That(granted.Locks.Select(one => one.Name), Is.EqualTo(new[] { "b", "a/1", "c" }));
        Assert.That(granted.Locks.Select(one => one.FencingToken), Is.Ordered.And.Unique);
        Assert.That((granted.Owner, granted.TtlMs, granted.ExpiresInMs, granted.ClusterId), Is.EqualTo(("me", 15_000L, 15_000L, "00000000000000c1")));
        foreach (var one in granted.Locks)
        {
            var holder = (await ShowLockAsync(one.Name)).Holders.Single();
            Assert.That((holder.FencingToken, holder.Lease, holder.Metadata?.Text), Is.EqualTo((one.FencingToken, granted.Lease, "{\"x\":1}")));
        }
        Node.Advance(TimeSpan.FromSeconds(16));
        Assert.That((await ShowLockAsync("b")).Holders, Is.Empty);
    }

    [Test]
    public async Task One_that_is_held_keeps_all_from_being_granted_and_is_named()
    {
        var held = await AcquireAsync("b", "other");
        var problem = await ProblemAsync(ProblemTypes.LockHeld, "POST", Path, """{"names":["a","b"],"owner":"me","ttl":"15s"}""");
        Assert.That((problem.Name, problem.Holder, problem.FencingToken), Is.EqualTo(("b", "other", (long?)held.FencingToken)));
        Assert.That((await ShowLockAsync("a")).Holders, Is.Empty);
    }

    [Test]
    public async Task An_existing_lease_may_hold_them()
    {
        var lease = await GrantLeaseAsync();
        var granted = await AcquireManyAsync($$"""{"names":["a","b"],"owner":"me","lease":"{{lease.Id}}"}""");
        Assert.That(granted.Lease, Is.EqualTo(lease.Id));
        await ProblemAsync(ProblemTypes.LeaseExpired, "POST", Path, """{"names":["c"],"owner":"me","lease":"77"}""");
    }

    [Test]
    public async Task A_repeat_under_the_same_key_has_the_first_answer()
    {
        const string Body = """{"names":["a","b"],"owner":"me","ttl":"15s"}""";
        var first = await AnswerAsync(ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", Path, Body, ("Idempotency-Key", "k"));
        var again = await AnswerAsync(ApiJson.Default.MultiLockAnswer, HttpStatusCode.OK, "POST", Path, Body, ("Idempotency-Key", "k"));
        Assert.That(again.Locks, Is.EqualTo(first.Locks));
    }

    [TestCase("""{"owner":"me","ttl":"15s"}""", "names")]
    [TestCase("""{"names":[],"owner":"me","ttl":"15s"}""", "names")]
    [TestCase("""{"names":"a","owner":"me","ttl":"15s"}""", "array of lock names")]
    [TestCase("""{"names":["a",7],"owner":"me","ttl":"15s"}""", "names[1]")]
    [TestCase("""{"names":["a",null],"owner":"me","ttl":"15s"}""", "names[1]")]
    [TestCase("""{"names":["a",""],"owner":"me","ttl":"15s"}""", "names[1]")]
    [TestCase("""{"names":["a","b","a"],"owner":"me","ttl":"15s"}""", "names[2]")]
    [TestCase("""{"names":["a\u0000"],"owner":"me","ttl":"15s"}""", "NUL")]
    [TestCase("""{"names":["a"],"ttl":"15s"}""", "owner")]
    [TestCase("""{"names":["a"],"owner":"me"}""", "ttl")]
    [TestCase("""{"names":["a"],"owner":"me","ttl":"15s","wait":"11m"}""", "wait")]
    [TestCase("""{"names":["a"],"owner":"me","ttl":"15s","mode":"shared"}""", "mode")]
    [TestCase("""{"names":["a"],"names":["b"],"owner":"me","ttl":"15s"}""", "twice")]
    [TestCase("""{"names":["a"}""", "malformed")]
    public async Task A_bad_request_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", Path, body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    [Test]
    public async Task Too_many_and_too_long_names_are_refused()
    {
        string Body(IEnumerable<string> names) => JsonSerializer.Serialize(
            new MultiLockRequest { Names = [.. names], Owner = "me", Ttl = "15s" }, ApiJson.Default.MultiLockRequest);
        var most = Enumerable.Range(0, ApiLimits.MaxMultiLockNames).Select(i => "l" + i).ToList();
        await RefusedAsync(ProblemTypes.BadRequest, "POST", Path, Body(most.Append("more")));
        await RefusedAsync(ProblemTypes.TooLarge, "POST", Path, Body([new string('n', ApiLimits.MaxKeyBytes + 1)]));
        Assert.That((await AcquireManyAsync(Body(most))).Locks, Has.Count.EqualTo(ApiLimits.MaxMultiLockNames));
    }
}
