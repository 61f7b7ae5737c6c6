using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Transactions;

/// <summary>What is wrong with a transaction is named by its path, and nothing is done.</summary>
internal sealed class TxnRefusalTests : ContractTest
{
    [TestCase("", "empty")]
    [TestCase("[]", "not a JSON object")]
    [TestCase("{}", "no compare and no operation")]
    [TestCase("""{"success":[],"failure":null}""", "no compare and no operation")]
    [TestCase("""{"then":[]}""", "\"then\" is unknown")]
    [TestCase("""{"success":{}}""", "\"success\" is not an array")]
    [TestCase("""{"success":[],"success":[]}""", "\"success\" is given twice")]
    [TestCase("""{"success":[7]}""", "\"success[0]\"")]
    [TestCase("""{"success":[null]}""", "\"success[0]\"")]
    [TestCase("""{"success":[{}]}""", "\"success[0]\" has not exactly one of")]
    [TestCase("""{"success":[{"put":null}]}""", "\"success[0]\" has not exactly one of")]
    [TestCase("""{"success":[{"get":{"key":"a"},"delete":{"key":"b"}}]}""", "\"success[0]\" has not exactly one of")]
    [TestCase("""{"failure":[{"get":{"key":"a"}},{"poke":{}}]}""", "\"failure[1].poke\" is unknown")]
    [TestCase("""{"success":[{"put":{"value":"x"}}]}""", "\"success[0].put\" has not exactly one of \"key\"")]
    [TestCase("""{"success":[{"put":{"key":"a"}}]}""", "\"success[0].put\" has not exactly one of \"value\"")]
    [TestCase("""{"success":[{"put":{"key":"a","value":"x","valueBase64":"eA=="}}]}""", "\"success[0].put\" has not exactly one of \"value\"")]
    [TestCase("""{"success":[{"put":{"key":"a","keyBase64":"YQ==","value":"x"}}]}""", "\"success[0].put\" has not exactly one of \"key\"")]
    [TestCase("""{"success":[{"get":{"key":"a"}},{"get":{"key":"b"}},{"put":{"key":7,"value":"x"}}]}""", "\"success[2].put.key\" is not a string")]
    [TestCase("""{"success":[{"put":{"key":"","value":"x"}}]}""", "\"success[0].put.key\" is empty")]
    [TestCase("""{"success":[{"put":{"keyBase64":"%","value":"x"}}]}""", "\"success[0].put.keyBase64\" is not base64")]
    [TestCase("""{"success":[{"put":{"key":"a","value":"x","lease":"zz"}}]}""", "\"success[0].put.lease\" is not a lease id")]
    [TestCase("""{"success":[{"put":{"key":"a","value":"x","ttl":"5s"}}]}""", "\"success[0].put.ttl\" is unknown")]
    [TestCase("""{"success":[{"put":{"key":"a\ud800","value":"x"}}]}""", "\"success[0].put.key\" is not valid Unicode")]
    [TestCase("""{"success":[{"delete":{}}]}""", "\"success[0].delete\" has not exactly one of")]
    [TestCase("""{"success":[{"delete":{"key":"a","prefix":"b"}}]}""", "\"success[0].delete\" has not exactly one of")]
    [TestCase("""{"success":[{"delete":{"prefix":"b","limit":1}}]}""", "\"success[0].delete.limit\" is unknown")]
    [TestCase("""{"success":[{"get":{"prefix":"b","limit":0}}]}""", "\"success[0].get.limit\"")]
    [TestCase("""{"success":[{"get":{"prefix":"b","limit":1001}}]}""", "\"success[0].get.limit\"")]
    [TestCase("""{"success":[{"get":{"key":"b","limit":1}}]}""", "\"success[0].get.limit\" belongs to a prefix")]
    [TestCase("""{"success":[{"put":{"key":"a","value":"x"}},{"delete":{"keyBase64":"YQ=="}}]}""", "\"success[1]\" writes the key \"a\", which \"success[0]\" writes already")]
    [TestCase("""{"failure":[{"put":{"key":"a","value":"x"}},{"put":{"key":"a","value":"x"}}]}""", "\"failure[1]\" writes the key")]
    [TestCase("""{"compare":[{}]}""", "\"compare[0]\" has not exactly one of")]
    [TestCase("""{"compare":[{"key":"a","lock":"l","fencingToken":2}]}""", "\"compare[0]\" has not exactly one of")]
    [TestCase("""{"compare":[{"lock":"l","election":"e","fencingToken":2}]}""", "\"compare[0]\" has not exactly one of")]
    [TestCase("""{"compare":[{"key":"a"}]}""", "\"compare[0]\" has no \"target\"")]
    [TestCase("""{"compare":[{"key":"a","target":"size","operand":1}]}""", "\"compare[0].target\" is not one of")]
    [TestCase("""{"compare":[{"key":"a","target":"version","op":"==","operand":1}]}""", "\"compare[0].op\" is not one of")]
    [TestCase("""{"compare":[{"key":"a","target":"version"}]}""", "\"compare[0]\" needs a whole number")]
    [TestCase("""{"compare":[{"key":"a","target":"version","operand":-1}]}""", "\"compare[0]\" needs a whole number")]
    [TestCase("""{"compare":[{"key":"a","target":"version","operand":1.5}]}""", "\"compare[0]\" needs a whole number")]
    [TestCase("""{"compare":[{"key":"a","target":"version","operand":"x"}]}""", "\"compare[0]\" needs a whole number")]
    [TestCase("""{"compare":[{"key":"a","target":"version","operandBase64":"eA=="}]}""", "\"compare[0]\" has \"operandBase64\"")]
    [TestCase("""{"compare":[{"key":"a","target":"value","operand":7}]}""", "\"compare[0]\" needs a string")]
    [TestCase("""{"compare":[{"key":"a","target":"value"}]}""", "\"compare[0]\" needs a string")]
    [TestCase("""{"compare":[{"key":"a","target":"value","operand":"x","operandBase64":"eA=="}]}""", "\"compare[0]\" needs a string")]
    [TestCase("""{"compare":[{"key":"a","target":"value","operand":{}}]}""", "\"compare[0].operand\" is not a string, a number or a boolean")]
    [TestCase("""{"compare":[{"key":"a","target":"lease","operand":"zz"}]}""", "\"compare[0]\" needs a lease id")]
    [TestCase("""{"compare":[{"key":"a","target":"lease"}]}""", "\"compare[0]\" needs a lease id")]
    [TestCase("""{"compare":[{"key":"a","target":"lease","op":"<","operand":"1f"}]}""", "\"compare[0]\" has an \"op\"")]
    [TestCase("""{"compare":[{"key":"a","target":"exists","operand":1}]}""", "\"compare[0]\" needs true or false")]
    [TestCase("""{"compare":[{"key":"a","target":"exists","op":">","operand":true}]}""", "\"compare[0]\" has an \"op\"")]
    [TestCase("""{"compare":[{"key":"a","target":"version","operand":1,"fencingToken":2}]}""", "\"compare[0]\" has a \"fencingToken\"")]
    [TestCase("""{"compare":[{"lock":"l"}]}""", "\"compare[0]\" has no \"fencingToken\"")]
    [TestCase("""{"compare":[{"lock":"l","fencingToken":0}]}""", "\"compare[0].fencingToken\" is not a fencing token")]
    [TestCase("""{"compare":[{"lock":"","fencingToken":2}]}""", "\"compare[0].lock\" is empty")]
    [TestCase("""{"compare":[{"lock":"l","fencingToken":2,"operand":1}]}""", "\"compare[0]\" names a hold")]
    [TestCase("""{"compare":[{"lock":"l","fencingToken":2,"op":">"}]}""", "\"compare[0]\" names a hold")]
    [TestCase("""{"compare":[{"key":"a","target":"version","operand":1}""", "malformed")]
    [TestCase("""{"success":[{"get":{"key":"a"}}]}{}""", "malformed")]
    public async Task A_mistake_is_named_by_its_path(string body, string named)
    {
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/txn", body);
        Assert.That(problem.Detail, Does.Contain(named));
        if (Packed.TryOf(body) is { } packed)
        {
            using var response = await SendBytesAsync("POST", "/v1/txn", packed);
            problem = await ReadProblemAsync(response, ProblemTypes.BadRequest);
            Assert.That(problem.Detail, Does.Contain(named), "the same mistake in MessagePack");
            Assert.That(Node.AppliedCommands, Is.Zero);
        }
    }

    [Test]
    public async Task Too_many_operations_are_refused_whole()
    {
        string Body(int gets) => """{"compare":[{"key":"a","target":"exists","operand":false}],"failure":[{"get":{"key":"f"}}],"success":["""
            + string.Join(',', Enumerable.Range(0, gets).Select(i => $$$"""{"get":{"key":"k{{{i}}}"}}""")) + "]}";
        await AnswerAsync(ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", Body(ApiLimits.MaxTxnOperations - 2));
        var problem = await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/txn", Body(ApiLimits.MaxTxnOperations - 1));
        Assert.That(problem.Detail, Does.Contain("success[126]").And.Contain("128"));
    }

    [Test]
    public async Task Keys_values_and_requests_that_are_too_large_are_refused_with_their_path()
    {
        var key = new string('k', ApiLimits.MaxKeyBytes);
        await AnswerAsync(ApiJson.Default.TxnAnswer, HttpStatusCode.OK, "POST", "/v1/txn", $$$"""{"success":[{"get":{"key":"{{{key}}}"}}]}""");
        var problem = await RefusedAsync(ProblemTypes.TooLarge, "POST", "/v1/txn", $$$"""{"success":[{"get":{"key":"{{{key}}}k"}}]}""");
        Assert.That(problem.Detail, Does.Contain("success[0].get.key"));
        await RefusedAsync(ProblemTypes.TooLarge, "POST", "/v1/txn", $$$"""{"success":[{"delete":{"prefix":"{{{key}}}k"}}]}""");
        var value = new string('v', ApiLimits.MaxValueBytes + 1);
        problem = await RefusedAsync(ProblemTypes.TooLarge, "POST", "/v1/txn", $$$"""{"success":[{"put":{"key":"a","value":"{{{value}}}"}}]}""");
        Assert.That(problem.Detail, Does.Contain("success[0].put.value"));
        // The server does not read such a body: a client that sent it without asking first might see the connection close.
        await RefusedAsync(ProblemTypes.TooLarge, "POST", "/v1/txn", new string(' ', ApiLimits.MaxRequestBytes + 1), ("Expect", "100-continue"));
    }

    [Test]
    public async Task Gets_whose_values_are_too_large_together_are_refused()
    {
        var value = new string('v', ApiLimits.MaxValueBytes);
        foreach (var key in new[] { "a", "b", "c" })
        {
            using var response = await SendAsync("PUT", "/v1/kv/" + key, value);
        }
        await ProblemAsync(ProblemTypes.TooLarge, "POST", "/v1/txn", """{"success":[{"get":{"key":"a"}},{"get":{"key":"b"}},{"get":{"key":"c"}}]}""");
    }
}
