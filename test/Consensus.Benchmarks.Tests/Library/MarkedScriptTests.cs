using System.Text;
using System.Text.RegularExpressions;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Library;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Tests.Library;

/// <summary>What clients send under a key, under a number, and under neither.</summary>
internal sealed partial class MarkedScriptTests
{
    private const string Host = "127.0.0.1:1";

    [Test]
    public void A_put_without_a_mark_is_the_usual_put()
    {
        var usual = new Benchmarks.Workloads.Consensusd.ConsensusScripts().Create(Workload.Put, Seat(3));
        var script = new MarkedPutScript(Seat(3), new NoMark());
        Assert.That(Next(script), Is.EqualTo(Next(usual)));
        Assert.That(Answer(script, 200), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Answer(script, 429), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script, stopping: true), Is.Empty);
    }

    [Test]
    public void Each_put_has_a_key_of_its_own_that_is_as_long_as_the_librarys()
    {
        var keys = new HashSet<string>();
        foreach (var client in new[] { 1, 2 })
        {
            var script = new MarkedPutScript(Seat(client), new KeyMark($"client-10.{client:0000}"));
            for (var i = 0; i < 3; i++)
            {
                var key = Key().Match(Next(script)).Groups[1].Value;
                Assert.That(key, Has.Length.EqualTo(32));
                Assert.That(keys.Add(key), Is.True, key);
            }
        }
    }

    [Test]
    public void What_is_acknowledged_is_below_all_numbers_whose_answers_are_to_come()
    {
        var session = new NumberedSession("5e55");
        var (first, second) = (new MarkedPutScript(Seat(1), session.NewMark()), new MarkedPutScript(Seat(2), session.NewMark()));
        Assert.That(Next(first), Does.Contain("\r\nConsensus-Session: 5e55; seq=1; acked=0\r\n"));
        Assert.That(Next(second), Does.Contain("seq=2; acked=0\r\n"));
        Answer(second, 200);
        Assert.That(Next(second), Does.Contain("seq=3; acked=0\r\n"), "the answer to the first is still to come");
        Answer(first, 200);
        Assert.That(Next(first), Does.Contain("seq=4; acked=2\r\n"));
    }

    [Test]
    public void A_number_that_was_not_answered_is_not_waited_for_when_its_client_goes_on()
    {
        var script = new MarkedPutScript(Seat(1), new NumberedSession("5e55").NewMark());
        Next(script);
        Assert.That(Next(script), Does.Contain("seq=2; acked=1\r\n"));
    }

    [Test]
    public void A_lock_under_a_session_names_it_as_its_lease_and_is_released_under_the_next_number()
    {
        var script = new MarkedLockScript(Seat(7), new NumberedSession("5e55").NewMark());
        Assert.That(Next(script), Does.StartWith("POST /v1/locks/bench/run/own-00007 HTTP/1.1\r\n")
            .And.Contain("\r\nConsensus-Session: 5e55; seq=1; acked=0\r\n")
            .And.EndWith("\r\n\r\n{\"owner\":\"client-00007\",\"lease\":\"5e55\"}"));
        Assert.That(Answer(script, 200, "{\"fencingToken\":77}"), Is.EqualTo(StepOutcome.Continue));
        var release = Next(script, stopping: true);
        Assert.That(release, Does.StartWith("DELETE /v1/locks/bench/run/own-00007?fencingToken=77 HTTP/1.1\r\n")
            .And.EndWith("\r\nConsensus-Session: 5e55; seq=2; acked=1\r\n\r\n"));
        Assert.That(Answer(script, 204), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script, stopping: true), Is.Empty);
    }

    [Test]
    public void A_lock_without_a_mark_has_a_lease_of_its_own_and_is_released_again_while_that_is_unknown()
    {
        var script = new MarkedLockScript(Seat(7), new NoMark());
        var acquire = Next(script);
        Assert.That(acquire, Does.EndWith("{\"owner\":\"client-00007\",\"ttl\":\"15s\"}"));
        Assert.That(acquire, Does.Contain("\r\nContent-Length: 36\r\n"));
        Assert.That(acquire, Does.Not.Contain("Idempotency-Key").And.Not.Contain("Consensus-Session"));
        Answer(script, 200, "{\"fencingToken\":77}");
        var release = Next(script);
        Assert.That(Answer(script, 504), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script), Is.EqualTo(release));
        Answer(script, 204);
        Next(script);
        Assert.That(Answer(script, 200, "{\"fencingToken\":77}"), Is.EqualTo(StepOutcome.PromiseBroken), "no token is given twice");
    }

    private static ClientSeat Seat(int client) => new(Host, client, "run", new HolderWitness());

    private static string Next(IClientScript script, bool stopping = false)
    {
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer.AsSpan(0, script.NextRequest(buffer, stopping)));
    }

    private static StepOutcome Answer(IClientScript script, int status, string body = "") =>
        script.OnAnswer(status, Encoding.UTF8.GetBytes(body));

    [GeneratedRegex("\r\nIdempotency-Key: ([^\r]*)\r\n")]
    private static partial Regex Key();
}
