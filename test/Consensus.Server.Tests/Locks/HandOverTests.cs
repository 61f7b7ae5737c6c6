using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Locks;

/// <summary>Hand-over, alike for locks, semaphores and elections.</summary>
[TestFixture("/v1/locks/h", "owner", "")]
[TestFixture("/v1/semaphores/h", "owner", ",\"permits\":1")]
[TestFixture("/v1/elections/h", "candidate", "")]
internal sealed class HandOverTests(string path, string owner, string more) : ContractTest
{
    private async Task<JsonElement> AcquireByAsync(string who, string wait = "0s")
    {
        using var response = await SendAsync("POST", path, $$"""{"{{owner}}":"{{who}}","ttl":"60s","wait":"{{wait}}"{{more}}}""");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    private static long TokenOf(JsonElement grant) => grant.GetProperty("fencingToken").GetInt64();

    private async Task<Task<JsonElement>[]> QueueAsync(params string[] owners)
    {
        var waiting = new List<Task<JsonElement>>();
        foreach (var one in owners)
        {
            waiting.Add(AcquireByAsync(one, "60s"));
            await UntilAsync(() => Node.Status.Counts.Waiters == waiting.Count, $"{one} waits");
        }
        return [.. waiting];
    }

    [Test]
    public async Task The_hold_goes_to_the_named_waiter_past_the_others()
    {
        var held = await AcquireByAsync("first");
        var waiting = await QueueAsync("second", "third");
        var handed = await AnswerAsync(
            ApiJson.Default.HandOverAnswer, HttpStatusCode.OK, "PATCH", path, $$"""{"handOverTo":"third","fencingToken":{{TokenOf(held)}}}""");
        var third = await waiting[1];
        Assert.That((handed.Name, handed.HandedOverTo, handed.FencingToken), Is.EqualTo(("h", "third", TokenOf(third))));
        Assert.That(TokenOf(third), Is.GreaterThan(TokenOf(held)));
        using var release = await SendAsync("DELETE", $"{path}?fencingToken={TokenOf(third)}");
        Assert.That(TokenOf(await waiting[0]), Is.GreaterThan(TokenOf(third)));
    }

    [Test]
    public async Task Nobody_of_that_name_is_not_found_and_nothing_is_done()
    {
        var held = await AcquireByAsync("first");
        var problem = await ProblemAsync(ProblemTypes.NotFound, "PATCH", path, $$"""{"handOverTo":"nobody","fencingToken":{{TokenOf(held)}}}""");
        Assert.That(problem.Detail, Does.Contain("nobody"));
        await AnswerRenewedAsync(TokenOf(held));
    }

    [Test]
    public async Task Only_the_holder_hands_over()
    {
        var held = await AcquireByAsync("first");
        var waiting = await QueueAsync("second");
        var problem = await ProblemAsync(ProblemTypes.NotHolder, "PATCH", path, """{"handOverTo":"second","fencingToken":999}""");
        Assert.That(problem.Detail, Does.Contain("999"));
        using var release = await SendAsync("DELETE", $"{path}?fencingToken={TokenOf(held)}");
        await waiting[0];
    }

    [TestCase("{}", "handOverTo")]
    [TestCase("""{"fencingToken":2}""", "handOverTo")]
    [TestCase("""{"handOverTo":"","fencingToken":2}""", "handOverTo")]
    [TestCase("""{"handOverTo":7,"fencingToken":2}""", "handOverTo")]
    [TestCase("""{"handOverTo":"b"}""", "fencingToken")]
    [TestCase("""{"handOverTo":"b","fencingToken":0}""", "fencingToken")]
    [TestCase("""{"handOverTo":"b","fencingToken":2,"ttl":"5s"}""", "ttl")]
    [TestCase("", "empty")]
    public async Task A_bad_hand_over_is_refused_by_name(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "PATCH", path, body);
        Assert.That(problem.Detail, Does.Contain(named));
    }

    private async Task AnswerRenewedAsync(long token)
    {
        using var response = await SendAsync("PUT", path, $$"""{"fencingToken":{{token}}}""");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }
}
