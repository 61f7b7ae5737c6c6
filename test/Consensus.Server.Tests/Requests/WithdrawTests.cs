using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Api.Requests;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Requests;

/// <summary>DELETE of a request under its Idempotency-Key.</summary>
internal sealed class WithdrawTests : ContractTest
{
    private static readonly (string, string) Identity = ("Idempotency-Key", "r");

    /// <summary>Everything that can be granted, with a wait where that can be.</summary>
    private static readonly object[] Grants =
    [
        new object[] { "/v1/locks/x", """{"owner":"me","ttl":"15s","wait":"60s"}""" },
        new object[] { "/v1/locks/x", """{"owner":"me","ttl":"15s","wait":"60s","mode":"shared"}""" },
        new object[] { "/v1/semaphores/x", """{"owner":"me","ttl":"15s","wait":"60s","permits":3,"count":2}""" },
        new object[] { "/v1/elections/x", """{"candidate":"me","ttl":"15s","wait":"60s","value":"v"}""" },
        new object[] { "/v1/multilock", """{"names":["x","y"],"owner":"me","ttl":"15s"}""" },
        new object[] { "/v1/leases", """{"ttl":"15s"}""" },
    ];

    private Task<WithdrawAnswer> WithdrawAsync(string target = "/v1/requests/r") => AnswerAsync(ApiJson.Default.WithdrawAnswer, HttpStatusCode.OK, "DELETE", target);

    [Test]
    public async Task Headers_and_a_body_that_mean_nothing_to_a_withdrawal_change_nothing()
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/v1/requests/nobodys") { Content = new StringContent("{\"to\":1}") };
        request.Headers.Add("Idempotency-Key", "other");
        request.Headers.TryAddWithoutValidation("If-Match", "\"7\"");
        using var response = await Client.SendAsync(request);
        Assert.That((int)response.StatusCode, Is.EqualTo(200));
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Contain("\"outcome\":\"withdrawn\""));
    }

    [TestCaseSource(nameof(Grants))]
    public async Task What_was_granted_is_given_back_and_a_retry_is_told_so(string target, string body)
    {
        using var granted = await SendAsync("POST", target, body, Identity);
        Assert.That(granted.IsSuccessStatusCode, await granted.Content.ReadAsStringAsync());
        var answer = await WithdrawAsync();
        Assert.That(answer, Is.EqualTo(new WithdrawAnswer("released", Node.Status.Revision.Value)));
        Assert.That((Node.Status.Counts.HoldsInUse, Node.Status.Counts.Leases), Is.EqualTo((0L, 0L)));
        await ProblemAsync(ProblemTypes.Withdrawn, "POST", target, body, Identity);
        Assert.That(await WithdrawAsync(), Is.EqualTo(answer), "again");
    }

    [TestCaseSource(nameof(Grants))]
    public async Task What_arrives_after_its_withdrawal_is_not_granted(string target, string body)
    {
        Assert.That((await WithdrawAsync()).Outcome, Is.EqualTo(WithdrawOutcomes.Withdrawn));
        await ProblemAsync(ProblemTypes.Withdrawn, "POST", target, body, Identity);
        Assert.That((Node.Status.Counts.HoldsInUse, Node.Status.Counts.Leases), Is.EqualTo((0L, 0L)));
    }

    [TestCase("/v1/locks/x", """{"owner":"me","ttl":"15s","wait":"60s"}""", """{"owner":"other","ttl":"600s"}""")]
    [TestCase("/v1/locks/x", """{"owner":"me","ttl":"15s","wait":"60s","mode":"shared"}""", """{"owner":"other","ttl":"600s"}""")]
    [TestCase("/v1/semaphores/x", """{"owner":"me","ttl":"15s","wait":"60s","permits":3,"count":2}""", """{"owner":"other","ttl":"600s","permits":3,"count":2}""")]
    [TestCase("/v1/elections/x", """{"candidate":"me","ttl":"15s","wait":"60s"}""", """{"candidate":"other","ttl":"600s"}""")]
    public async Task A_request_that_waits_is_answered_and_its_place_is_given_up(string target, string body, string other)
    {
        using var held = await SendAsync("POST", target, other);
        var waiting = SendAsync("POST", target, body, Identity);
        await UntilAsync(() => Node.Status.Counts.Waiters == 1, "it waits");
        Assert.That((await WithdrawAsync()).Outcome, Is.EqualTo(WithdrawOutcomes.Withdrawn));
        using var told = await waiting;
        await ReadProblemAsync(told, ProblemTypes.Withdrawn);
        Assert.That(Node.Status.Counts.Waiters, Is.Zero);
    }

    [Test]
    public async Task A_write_that_was_done_stays_and_its_retry_finds_its_answer()
    {
        var put = await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity);
        Assert.That((await WithdrawAsync()).Outcome, Is.EqualTo(WithdrawOutcomes.Done));
        Assert.That(await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity), Is.EqualTo(put));
    }

    [Test]
    public async Task What_is_no_longer_known_is_too_late()
    {
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x", Identity);
        Node.Advance(TimeSpan.FromHours(24) + TimeSpan.FromSeconds(1));
        await ProblemAsync(ProblemTypes.RetryTooLate, "DELETE", "/v1/requests/r");
    }

    [TestCase("a b/~", "/v1/requests/a%20b/~")]
    [TestCase("a b/~", "/v1/requests/a%20b%2F~")]
    [TestCase("100%", "/v1/requests/100%25")]
    [TestCase("..", "/v1/requests/?key=..")]
    [TestCase("..", "/v1/requests?keyBase64=Li4=")]
    public async Task Any_key_can_be_named(string key, string target)
    {
        await AnswerAsync(
            ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/x", """{"owner":"me","ttl":"15s"}""", ("Idempotency-Key", key));
        Assert.That((await WithdrawAsync(target)).Outcome, Is.EqualTo(WithdrawOutcomes.Released));
    }

    [TestCase("/v1/requests/")]
    [TestCase("/v1/requests")]
    [TestCase("/v1/requests/%20blank")]
    [TestCase("/v1/requests/blank%20")]
    [TestCase("/v1/requests/%20")]
    [TestCase("/v1/requests/gr%C3%BCn")]
    [TestCase("/v1/requests/a%0Ab")]
    [TestCase("/v1/requests/?keyBase64=AA==")]
    [TestCase("/v1/requests/a?key=b")]
    public async Task What_is_no_key_is_refused(string target) => await RefusedAsync(ProblemTypes.BadRequest, "DELETE", target);

    [Test]
    public async Task The_longest_key_is_taken_and_longer_ones_are_refused()
    {
        Assert.That((await WithdrawAsync("/v1/requests/" + new string('k', ApiLimits.MaxIdempotencyKeyLength))).Outcome, Is.EqualTo(WithdrawOutcomes.Withdrawn));
        foreach (var length in (int[])[ApiLimits.MaxIdempotencyKeyLength + 1, ApiLimits.MaxKeyBytes, ApiLimits.MaxKeyBytes + 1])
        {
            await RefusedAsync(ProblemTypes.BadRequest, "DELETE", "/v1/requests/" + new string('k', length));
        }
    }
}
