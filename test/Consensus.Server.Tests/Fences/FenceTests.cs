using System.Net;
using Consensus.Api;
using Consensus.Api.Fences;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Fences;

internal sealed class FenceTests : ContractTest
{
    private Task<FenceAnswer> PassAsync(string resource, long token) => AnswerAsync(
        ApiJson.Default.FenceAnswer, HttpStatusCode.OK, "PUT", "/v1/fences/" + resource, $$"""{"fencingToken":{{token}}}""");

    private async Task<long> TokenAsync(string name) => (await AcquireAsync(name)).FencingToken;

    [Test]
    public async Task A_fence_passes_ever_higher_tokens_and_refuses_lower_ones()
    {
        var old = await TokenAsync("a");
        var young = await TokenAsync("b");
        Assert.That(await PassAsync("disk/1", old), Is.EqualTo(new FenceAnswer("disk/1", old)));
        Assert.That((await PassAsync("disk/1", old)).HighestToken, Is.EqualTo(old));
        Assert.That((await PassAsync("disk/1", young)).HighestToken, Is.EqualTo(young));
        var problem = await ProblemAsync(ProblemTypes.StaleToken, "PUT", "/v1/fences/disk/1", $$"""{"fencingToken":{{old}}}""");
        Assert.That(problem.HighestToken, Is.EqualTo(young));
        var shown = await AnswerAsync(ApiJson.Default.FenceAnswer, HttpStatusCode.OK, "GET", "/v1/fences/disk/1");
        Assert.That(shown.HighestToken, Is.EqualTo(young));
    }

    [Test]
    public async Task A_token_from_the_future_is_refused_and_locks_nobody_out()
    {
        var token = await TokenAsync("a");
        var problem = await ProblemAsync(ProblemTypes.BadRequest, "PUT", "/v1/fences/f", """{"fencingToken":1000000}""");
        Assert.That(problem.Detail, Does.Contain("present revision"));
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/fences/f");
        await PassAsync("f", token);
    }

    [TestCase("/v1/locks/x", """{"owner":"a","ttl":"15s","mode":"shared"}""", "shared hold of the lock")]
    [TestCase("/v1/semaphores/x", """{"owner":"a","ttl":"15s","permits":3}""", "permits of the semaphore")]
    public async Task A_token_of_what_others_may_hold_too_is_refused(string path, string ask, string named)
    {
        using var granted = await SendAsync("POST", path, ask);
        using var json = System.Text.Json.JsonDocument.Parse(await granted.Content.ReadAsStringAsync());
        var problem = await ProblemAsync(
            ProblemTypes.SharedToken, "PUT", "/v1/fences/f", $$"""{"fencingToken":{{json.RootElement.GetProperty("fencingToken").GetInt64()}}}""");
        Assert.That(problem.Name, Is.EqualTo("x"));
        Assert.That(problem.Detail, Does.Contain(named));
        await ProblemAsync(ProblemTypes.NotFound, "GET", "/v1/fences/f");
    }

    [Test]
    public async Task A_fence_is_reset_by_an_operator()
    {
        var old = await TokenAsync("a");
        var young = await TokenAsync("b");
        await PassAsync("f", young);
        var reset = await AnswerAsync(ApiJson.Default.FenceResetAnswer, HttpStatusCode.OK, "DELETE", "/v1/fences/f");
        Assert.That((reset.Resource, reset.Existed), Is.EqualTo(("f", true)));
        var again = await AnswerAsync(ApiJson.Default.FenceResetAnswer, HttpStatusCode.OK, "DELETE", "/v1/fences/f");
        Assert.That(again.Existed, Is.False);
        await PassAsync("f", old);
    }

    [Test]
    public async Task Fences_are_listed_page_by_page()
    {
        var token = await TokenAsync("a");
        foreach (var resource in new[] { "disk/2", "disk/1", "tape", "disk/3" })
        {
            await PassAsync(resource, token);
        }
        var first = await AnswerAsync(ApiJson.Default.FenceListAnswer, HttpStatusCode.OK, "GET", "/v1/fences/?prefix=disk/&limit=2");
        var second = await AnswerAsync(ApiJson.Default.FenceListAnswer, HttpStatusCode.OK, "GET", "/v1/fences/?prefix=disk/&cursor=" + first.NextCursor);
        Assert.That(first.Items.Concat(second.Items).Select(item => item.Resource), Is.EqualTo(new[] { "disk/1", "disk/2", "disk/3" }));
        Assert.That(second.NextCursor, Is.Null);
    }

    [Test]
    public async Task A_token_is_taken_as_a_string_and_the_resource_from_the_query()
    {
        var token = await TokenAsync("a");
        await AnswerAsync(ApiJson.Default.FenceAnswer, HttpStatusCode.OK, "PUT", "/v1/fences/?key=..", $$"""{"fencingToken":"{{token}}"}""");
        await AnswerAsync(ApiJson.Default.FenceAnswer, HttpStatusCode.OK, "GET", "/v1/fences/?key=..");
    }

    [TestCase("PUT", "/v1/fences/f", "{}", "fencingToken")]
    [TestCase("PUT", "/v1/fences/f", """{"fencingToken":0}""", "fencingToken")]
    [TestCase("PUT", "/v1/fences/f", """{"fencingToken":2,"force":true}""", "force")]
    [TestCase("PUT", "/v1/fences/", """{"fencingToken":2}""", "resource name")]
    [TestCase("DELETE", "/v1/fences/", null, "resource name")]
    [TestCase("GET", "/v1/fences/f?limit=1", null, "limit")]
    [TestCase("GET", "/v1/fences/?cursor=x", null, "cursor")]
    public async Task A_bad_request_is_refused_by_name(string method, string target, string? body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, method, target, body);
        Assert.That(problem.Detail, Does.Contain(named));
    }
}
