using System.Text;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Http;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.Translation;
using MessagePack;

namespace Consensus.Server.Tests.Http;

/// <summary>A refusal quotes enough to know again what is meant, and is small and whole however large that is: no budget counts it.
/// </summary>
internal sealed class RefusalSizeTests : ContractTest
{
    private const int MostBytes = 4_096;

    private async Task<ProblemAnswer> SmallAsync(
        ProblemType type, string method, string target, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        using var response = await SendBytesAsync(method, target, body, headers);
        await response.Content.LoadIntoBufferAsync();
        Assert.That(response.Content.Headers.ContentLength, Is.LessThan(MostBytes));
        return await ReadProblemAsync(response, type);
    }

    private static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);

    [TestCase('a', 12_000)]
    [TestCase('a', 1_500_000)]
    [TestCase('\u0001', 12_000)]
    [TestCase('\u0001', 1_500_000)]
    [TestCase('\u00e9', 12_000)]
    public async Task A_name_that_no_field_has_is_quoted_in_part(char letter, int length)
    {
        var name = new string(letter, length);
        var quoted = $"\"{new string(letter, Excerpt.MostCharacters)}…\" is unknown";
        var packed = Packed.Of(name, (ref MessagePackWriter writer) => writer.WriteNil());
        Assert.That((await SmallAsync(ProblemTypes.BadRequest, "POST", "/v1/txn", packed)).Detail, Does.Contain(quoted));

        var written = letter < ' ' ? string.Concat(Enumerable.Repeat("\\u0001", length / 6)) : name;
        var json = await SmallAsync(ProblemTypes.BadRequest, "POST", "/v1/txn", Json($$"""{"{{written}}":1}"""));
        Assert.That(json.Detail, Does.Contain(quoted));
    }

    [Test]
    public async Task A_name_within_others_is_quoted_in_part_behind_them()
    {
        var problem = await SmallAsync(
            ProblemTypes.BadRequest, "POST", "/v1/txn", Json($$$"""{"success":[{"put":{"{{{new string('a', 100_000)}}}":1}}]}"""));
        Assert.That(problem.Detail, Does.StartWith("the field \"success[0].put.aaaa").And.EndWith("a…\" is unknown"));
    }

    [TestCase("GET", "/v1/settings/{0}", null)]
    [TestCase("PUT", "/v1/settings/{0}", """{"value":1}""")]
    [TestCase("DELETE", "/v1/settings/{0}", null)]
    [TestCase("DELETE", "/v1/cluster/members/{0}", null)]
    [TestCase("PATCH", "/v1/cluster/members/{0}", """{"role":"voter"}""")]
    public async Task A_name_in_the_path_is_quoted_in_part(string method, string target, string? body)
    {
        var whole = target.Replace("{0}", new string('a', 12_000), StringComparison.Ordinal);
        var problem = await SmallAsync(ProblemTypes.NotFound, method, whole, body is null ? null : Json(body));
        Assert.That(problem.Detail, Does.Contain($"\"{new string('a', Excerpt.MostCharacters)}…\""));
    }

    [Test]
    public async Task A_query_parameter_is_quoted_in_part()
    {
        var problem = await SmallAsync(ProblemTypes.BadRequest, "GET", $"/v1/kv/a?{new string('a', 12_000)}=1");
        Assert.That(problem.Detail, Does.Contain($"\"{new string('a', Excerpt.MostCharacters)}…\""));
    }

    [Test]
    public async Task A_header_is_quoted_in_part()
    {
        var problem = await SmallAsync(
            ProblemTypes.BadRequest, "POST", "/v1/txn", Json("{}"), ("Consensus-Session", $"1f; {new string('a', 12_000)}=1"));
        Assert.That(problem.Detail, Does.Contain($"\"{new string('a', Excerpt.MostCharacters)}…\""));
    }

    [Test]
    public async Task A_member_in_the_body_is_quoted_in_part()
    {
        var name = new string('a', 1_000_000);
        var to = await SmallAsync(ProblemTypes.NotFound, "POST", "/v1/cluster/leader", Json($$"""{"to":"{{name}}"}"""));
        Assert.That(to.Detail, Does.Contain($"\"{name[..Excerpt.MostCharacters]}…\""));
        var member = Node.Status.Members[0].Name;
        var replaces = await SmallAsync(
            ProblemTypes.NotFound, "PATCH", $"/v1/cluster/members/{member}", Json($$"""{"role":"voter","replaces":"{{name}}"}"""));
        Assert.That(replaces.Detail, Does.Contain($"\"{name[..Excerpt.MostCharacters]}…\""));
    }

    [Test]
    public async Task The_longest_keys_names_and_owners_are_quoted_in_part()
    {
        var key = new string('k', ApiLimits.MaxKeyBytes);
        var quoted = $"\"{key[..Excerpt.MostCharacters]}…\"";
        foreach (var target in new[] { "/v1/kv/", "/v1/fences/", "/v1/elections/" })
        {
            Assert.That((await SmallAsync(ProblemTypes.NotFound, "GET", target + key)).Detail, Does.Contain(quoted), target);
        }
        var put = $$$"""{"put":{"key":"{{{key}}}","value":"v"}}""";
        var twice = await SmallAsync(ProblemTypes.BadRequest, "POST", "/v1/txn", Json($$"""{"success":[{{put}},{{put}}]}"""));
        Assert.That(twice.Detail, Does.Contain(quoted));

        var owner = new string('o', ApiLimits.MaxOwnerBytes);
        var acquire = Json($$"""{"owner":"{{owner}}","ttl":15}""");
        using var held = await SendBytesAsync("POST", "/v1/locks/" + key, acquire);
        Assert.That(held.IsSuccessStatusCode, Is.True);
        var refused = await SmallAsync(ProblemTypes.LockHeld, "POST", "/v1/locks/" + key, acquire);
        Assert.That(refused.Detail, Does.Contain($"\"{owner[..Excerpt.MostCharacters]}…\""));
        Assert.That(refused.Holder, Is.EqualTo(owner), "whole in the member that is for it");
    }

    /// <summary>What no quotation makes long: a sentence of the cluster's own.</summary>
    [Test]
    public void A_sentence_is_cut_however_long_it_became() =>
        Assert.That(Problem.NotFound(new string('a', 100_000)).ToAnswer().Detail, Has.Length.EqualTo(Problem.MostDetailCharacters + 1));

    [Test]
    public void An_excerpt_has_no_half_of_a_character()
    {
        var pairs = string.Concat(Enumerable.Repeat("\U0001F600", 100));
        Assert.That(Excerpt.Of("a" + pairs), Is.EqualTo("a" + pairs[..(Excerpt.MostCharacters - 2)] + "…"));
        Assert.That(Excerpt.Of(Encoding.UTF8.GetBytes("a" + pairs)), Is.EqualTo(Excerpt.Of("a" + pairs)));
        Assert.That(Excerpt.Of(Encoding.UTF8.GetBytes(pairs)), Is.EqualTo(pairs[..Excerpt.MostCharacters] + "…"));
        var euros = new string('€', 100);
        Assert.That(Excerpt.Of(Key.FromText(euros)), Is.EqualTo(euros[..Excerpt.MostCharacters] + "…"));
        foreach (var length in new[] { 0, 1, Excerpt.MostCharacters })
        {
            Assert.That(Excerpt.Of(euros[..length]), Is.EqualTo(euros[..length]));
            Assert.That(Excerpt.Of(Encoding.UTF8.GetBytes(euros[..length])), Is.EqualTo(euros[..length]));
        }
    }

    [TestCase(100)]
    [TestCase(12_000)]
    [TestCase(200_000)]
    public void What_was_written_is_had_whole_though_it_lies_in_parts(int length)
    {
        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartArray();
        for (var i = 0; i < 3; i++)
        {
            buffer.Json.WriteStringValue(new string('a', length));
        }
        buffer.Json.WriteEndArray();
        var text = new string('a', length);
        Assert.That(Encoding.UTF8.GetString(buffer.Written), Is.EqualTo($"""["{text}","{text}","{text}"]"""));
        buffer.Return();
    }
}
