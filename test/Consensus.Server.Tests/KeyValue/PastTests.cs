using System.Net;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.KeyValue;

/// <summary>Reads of a key as it was.</summary>
internal sealed class PastTests : ContractTest
{
    [SetUp]
    public async Task WriteAsync()
    {
        // Revisions 2 to 5.
        foreach (var value in new string?[] { "one", "two", null, "four" })
        {
            using var response = value is null ? await SendAsync("DELETE", "/v1/kv/a") : await SendAsync("PUT", "/v1/kv/a", value);
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    private Task<KeyAnswer> GetAsync(long revision) => AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", $"/v1/kv/a?revision={revision}");

    [Test]
    public async Task A_key_is_read_as_it_was_right_after_a_revision()
    {
        Assert.That((await GetAsync(2)).Value, Is.EqualTo("one"));
        var two = await GetAsync(3);
        Assert.That((two.Value, two.Version, two.CreateRevision, two.ModRevision), Is.EqualTo(("two", 2L, 2L, 3L)));
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/kv/a?revision=4");
        Assert.That((await GetAsync(5)).Version, Is.EqualTo(1));
        await RefusedAsync(ProblemTypes.NotFound, "GET", "/v1/kv/a?revision=1");
    }

    [Test]
    public async Task The_past_has_its_own_entity_tag_and_its_bytes()
    {
        using var response = await SendAsync("GET", "/v1/kv/a?revision=3", null, ("Accept", "application/octet-stream"));
        Assert.That((await response.Content.ReadAsStringAsync(), response.Headers.ETag?.Tag), Is.EqualTo(("two", "\"3\"")));
        Assert.That(response.Headers.GetValues("Consensus-Revision").Single(), Is.EqualTo("5"));
    }

    [Test]
    public async Task The_future_is_refused_unless_it_is_waited_for()
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "GET", "/v1/kv/a?revision=6");
        Assert.That(problem.Detail, Does.Contain("\"revision\" is 6").And.Contain("minRevision"));
        await RefusedAsync(ProblemTypes.NotReady, "GET", "/v1/kv/a?revision=6&minRevision=6");
        using var put = await SendAsync("PUT", "/v1/kv/a", "six");
        Assert.That((await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "GET", "/v1/kv/a?revision=6&minRevision=6")).Value, Is.EqualTo("six"));
    }

    [Test]
    public async Task What_is_compacted_is_gone_and_the_answer_says_what_is_left()
    {
        Node.Propose(new CompactCommand(new Revision(3)));
        Assert.That((await GetAsync(3)).Value, Is.EqualTo("two"));
        var problem = await RefusedAsync(ProblemTypes.Compacted, "GET", "/v1/kv/a?revision=2");
        Assert.That(problem.CompactRevision, Is.EqualTo(3));
    }
}
