using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.Consensusd;
using Consensus.Benchmarks.Workloads.Etcd;

namespace Consensus.Benchmarks.Tests.Workloads;

/// <summary>What clients send, request by request, and how they judge the answers.</summary>
internal sealed class ScriptTests
{
    private const string Host = "127.0.0.1:1";

    [Test]
    public void Compare_and_set_carries_the_revision_of_the_answer_before()
    {
        var script = Create(new ConsensusScripts(), Workload.CompareAndSet);
        Assert.That(Next(script), Does.StartWith("PUT /v1/kv/bench/cas-00000 HTTP/1.1\r\n").And.Not.Contain("If-Match"));
        Assert.That(Answer(script, 200, "{\"modRevision\":41}"), Is.EqualTo(StepOutcome.Prepared));
        Assert.That(Next(script), Does.Contain("If-Match: \"41\"\r\n").And.Contain("Content-Length: 256\r\n").And.EndWith("\r\n\r\n" + KeySpace.Value));
        Assert.That(Answer(script, 200, "{\"modRevision\":1042}"), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script), Does.Contain("If-Match: \"1042\"\r\n"));
        Assert.That(Answer(script, 412, "{\"revision\":2000}"), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script), Does.Not.Contain("If-Match"));
    }

    [Test]
    public void Compare_and_set_of_etcd_carries_the_revision_and_its_length_stays()
    {
        var script = Create(new EtcdScripts(), Workload.CompareAndSet);
        Assert.That(Next(script), Does.StartWith("POST /v3/kv/put "));
        Assert.That(Answer(script, 200, "{\"header\":{\"revision\":\"41\"}}"), Is.EqualTo(StepOutcome.Prepared));
        var first = Next(script);
        Assert.That(first, Does.StartWith("POST /v3/kv/txn ").And.Match("\"mod_revision\": +41}"));
        Assert.That(Answer(script, 200, "{\"header\":{\"revision\":\"1042\"},\"succeeded\":true}"), Is.EqualTo(StepOutcome.Completed));
        var second = Next(script);
        Assert.That(second, Does.Match("\"mod_revision\": +1042}"));
        Assert.That(second, Has.Length.EqualTo(first.Length));
        Assert.That(Answer(script, 200, "{\"header\":{\"revision\":\"1042\"}}"), Is.EqualTo(StepOutcome.Failed));
    }

    [Test]
    public void A_lock_is_released_with_the_token_it_was_granted_with()
    {
        var script = Create(new ConsensusScripts(), Workload.Lock);
        Assert.That(Next(script), Does.StartWith("POST /v1/locks/bench/run/own-00000 ").And.EndWith("{\"owner\":\"client-00000\",\"ttl\":\"30s\"}"));
        Assert.That(Answer(script, 200, "{\"fencingToken\":77}"), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Next(script, stopping: true), Is.EqualTo($"DELETE /v1/locks/bench/run/own-00000?fencingToken=77 HTTP/1.1\r\nHost: {Host}\r\n\r\n"));
        Assert.That(Answer(script, 204, string.Empty), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script, stopping: true), Is.Empty);
    }

    [Test]
    public void A_release_whose_outcome_is_unknown_is_sent_again()
    {
        var script = Create(new ConsensusScripts(), Workload.Lock);
        Next(script);
        Answer(script, 200, "{\"fencingToken\":77}");
        var release = Next(script);
        Assert.That(Answer(script, 504, "{}"), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script), Is.EqualTo(release));
    }

    [Test]
    public void Etcd_locks_under_a_session_lease_that_is_revoked_at_the_end()
    {
        var script = Create(new EtcdScripts(), Workload.ContendedLock);
        Assert.That(Next(script), Does.StartWith("POST /v3/lease/grant "));
        Assert.That(Answer(script, 200, "{\"ID\":\"255\"}"), Is.EqualTo(StepOutcome.Prepared));
        var key = KeySpace.ToBase64("bench/run/shared/ff");
        Assert.That(Next(script), Does.StartWith("POST /v3/lock/lock ").And.EndWith($"{{\"name\":\"{KeySpace.ToBase64("bench/run/shared")}\",\"lease\":\"255\"}}"));
        Assert.That(Answer(script, 200, $"{{\"key\":\"{key}\"}}"), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Next(script, stopping: true), Does.StartWith("POST /v3/lock/unlock ").And.EndWith($"{{\"key\":\"{key}\"}}"));
        Assert.That(Answer(script, 200, "{}"), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script, stopping: true), Does.StartWith("POST /v3/lease/revoke ").And.EndWith("{\"ID\":\"255\"}"));
        Assert.That(Answer(script, 200, "{}"), Is.EqualTo(StepOutcome.Prepared));
        Assert.That(Next(script, stopping: true), Is.Empty);
    }

    [Test]
    public void A_second_holder_is_a_broken_promise()
    {
        var witness = new HolderWitness();
        var (first, second) = (Create(new ConsensusScripts(), Workload.ContendedLock, witness), Create(new ConsensusScripts(), Workload.ContendedLock, witness));
        Next(first);
        Next(second);
        Assert.That(Answer(first, 200, "{\"fencingToken\":5}"), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Answer(second, 200, "{\"fencingToken\":6}"), Is.EqualTo(StepOutcome.PromiseBroken));
    }

    [Test]
    public void A_token_that_does_not_rise_is_a_broken_promise()
    {
        var witness = new HolderWitness();
        Assert.That(witness.Granted(5), Is.True);
        witness.Releasing();
        Assert.That(witness.Granted(5), Is.False);
        witness.Releasing();
        Assert.That(witness.Granted(6), Is.True);
    }

    [Test]
    public void A_blend_has_puts_gets_and_locks_at_every_member()
    {
        var clients = Enumerable.Range(0, 9).Select(client => (Member: client % 3, Part: WorkloadNames.PartOfBlend(client)));
        Assert.That(clients.Distinct().Count(), Is.EqualTo(9));
    }

    [Test]
    public void Filling_by_shares_writes_every_key_once()
    {
        var written = new HashSet<string>();
        for (var share = 0; share < 7; share++)
        {
            var script = new ConsensusScripts().Fill(Seat(new HolderWitness()), new FillShare(share, 7, KeySpace.Count));
            while (Next(script) is { Length: > 0 } request)
            {
                Assert.That(request, Does.EndWith("\r\n\r\n" + KeySpace.Value));
                Assert.That(written.Add(request[..request.IndexOf('\r', StringComparison.Ordinal)]), Is.True);
            }
        }

        Assert.That(written, Has.Count.EqualTo(KeySpace.Count));
    }

    [Test]
    public void More_puts_than_keys_write_every_key_equally_often()
    {
        KeySpace.UseKeys(10);
        try
        {
            var written = new List<string>();
            for (var share = 0; share < 3; share++)
            {
                var script = new EtcdScripts().Fill(Seat(new HolderWitness()), new FillShare(share, 3, 40));
                while (Next(script) is { Length: > 0 } request)
                {
                    written.Add(request);
                }
            }

            Assert.That(written.GroupBy(request => request).Select(group => group.Count()), Is.EqualTo(Enumerable.Repeat(4, 10)));
        }
        finally
        {
            KeySpace.UseValuesOf(256);
        }
    }

    [Test]
    public void Values_of_another_size_are_another_size_in_both_systems()
    {
        KeySpace.UseValuesOf(65536);
        try
        {
            Assert.That(KeySpace.Value, Has.Length.EqualTo(65536));
            Assert.That(Convert.FromBase64String(KeySpace.Base64Value), Has.Length.EqualTo(65536));
            Assert.That(KeySpace.Count, Is.EqualTo(1024));
        }
        finally
        {
            KeySpace.UseValuesOf(256);
        }

        Assert.That(KeySpace.Count, Is.EqualTo(10_000));
    }

    private static ClientSeat Seat(HolderWitness witness) => new(Host, Index: 0, Run: "run", witness);

    private static IClientScript Create(IScriptSource source, Workload workload, HolderWitness? witness = null) =>
        source.Create(workload, Seat(witness ?? new HolderWitness()));

    private static string Next(IClientScript script, bool stopping = false)
    {
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer.AsSpan(0, script.NextRequest(buffer, stopping)));
    }

    private static StepOutcome Answer(IClientScript script, int status, string body) => script.OnAnswer(status, Encoding.UTF8.GetBytes(body));
}
