using System.Text;
using Consensus.Api.Json;
using Consensus.Api.Transactions;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

internal abstract partial class ClientContract
{
    [Test]
    public async Task A_key_is_written_read_and_deleted()
    {
        var client = Client();
        Assert.That(await client.GetAsync(Name("k")), Is.Null);

        var revision = await client.PutAsync(Name("k"), Bytes("value"));
        var entry = await client.GetAsync(Name("k"));

        Assert.That((entry!.Key, entry.Text, entry.ModRevision, entry.Version, entry.Lease), Is.EqualTo((Name("k"), "value", revision, 1L, (string?)null)));
        Assert.That(await client.DeleteAsync(Name("k")), Is.True);
        Assert.That(await client.DeleteAsync(Name("k")), Is.False);
        Assert.That(await client.GetAsync(Name("k")), Is.Null);
    }

    [Test]
    public async Task A_value_is_any_bytes()
    {
        var client = Client();
        byte[] value = [0, 255, 254, 13, 10, 128];

        await client.PutAsync(Name("k"), value);

        Assert.That((await client.GetAsync(Name("k")))!.Value.ToArray(), Is.EqualTo(value));
    }

    [Test]
    public async Task Names_that_a_path_could_spoil_are_kept_as_they_are()
    {
        var client = Client();
        foreach (var name in new[] { "a b", "a/../b", "ä+%2F?#", "a//b", "." })
        {
            await client.PutAsync(Name(name), Bytes(name));
            Assert.That((await client.GetAsync(Name(name)))?.Key, Is.EqualTo(Name(name)));
        }
    }

    [Test]
    public async Task A_write_under_a_condition_tells_the_present_revision_when_it_does_not_hold()
    {
        var client = Client();
        var created = await client.CompareAndSetAsync(Name("k"), Bytes("1"), 0);
        Assert.That(created.Succeeded, Is.True);
        Assert.That(await client.CompareAndSetAsync(Name("k"), Bytes("2"), 0), Is.EqualTo(new ConditionalWrite(false, created.Revision)));

        var changed = await client.CompareAndSetAsync(Name("k"), Bytes("2"), created.Revision);

        Assert.That(changed.Succeeded, Is.True);
        Assert.That(await client.CompareAndDeleteAsync(Name("k"), created.Revision), Is.EqualTo(new ConditionalWrite(false, changed.Revision)));
        Assert.That((await client.CompareAndDeleteAsync(Name("k"), changed.Revision)).Succeeded, Is.True);
        Assert.That(await client.CompareAndSetAsync(Name("k"), Bytes("3"), changed.Revision), Is.EqualTo(new ConditionalWrite(false, 0)));
    }

    [Test]
    public async Task A_list_shows_one_revision_and_the_past_can_be_read()
    {
        var client = Client();
        await client.PutAsync(Name("b"), Bytes("2"));
        var revision = await client.PutAsync(Name("a"), Bytes("1"));
        await client.DeleteAsync(Name("b"));

        var now = await client.ListAsync(Name(""));
        var then = await client.ListAsync(Name(""), new ReadOptions { Revision = revision });

        Assert.That(now.Items.Select(item => item.Key), Is.EqualTo(new[] { Name("a") }));
        Assert.That(now.Revision, Is.EqualTo(revision + 1));
        Assert.That(then.Items.Select(item => item.Text), Is.EqualTo(new[] { "1", "2" }));
        Assert.That((await client.GetAsync(Name("b"), new ReadOptions { Revision = revision }))?.Text, Is.EqualTo("2"));
        Assert.That(
            async () => await client.GetAsync(Name("b"), new ReadOptions { Revision = revision + 1_000_000 }), Throws.TypeOf<ConsensusException>());
    }

    [Test]
    public async Task A_prefix_is_deleted_in_one_revision()
    {
        var client = Client();
        await client.PutAsync(Name("a"), Bytes("1"));
        var revision = await client.PutAsync(Name("b"), Bytes("2"));

        Assert.That(await client.DeletePrefixAsync(Name("")), Is.EqualTo(2));

        Assert.That((await client.ListAsync(Name(""))).Revision, Is.EqualTo(revision + 1));
    }

    [Test]
    public async Task A_transaction_guards_its_writes_by_a_fencing_token()
    {
        var client = Client();
        var handle = await client.AcquireLockAsync(Name("l"), Lasting);
        var guarded = new TxnRequest
        {
            Compare = [new TxnCompareRequest { Lock = Name("l"), FencingToken = handle.FencingToken }],
            Success = [new TxnOperationRequest { Put = new TxnPutRequest { Key = Name("k"), Value = "guarded" } }],
            Failure = [new TxnOperationRequest { Get = new TxnGetRequest { Prefix = Name("k") } }],
        };

        Assert.That((await client.TransactAsync(guarded)).Succeeded, Is.True);
        await handle.DisposeAsync();
        var late = await client.TransactAsync(guarded);

        Assert.That(late.Succeeded, Is.False);
        Assert.That(late.Results.Single().Get?.Items?.Single().Value, Is.EqualTo("guarded"));
    }

    [TestCase("version", "1", true)]
    [TestCase("version", "2", false)]
    [TestCase("value", "\"1\"", true)]
    [TestCase("exists", "false", false)]
    [TestCase("lease", "null", true)]
    public async Task A_transaction_compares(string target, string operand, bool holds)
    {
        var client = Client();
        await client.PutAsync(Name("k"), Bytes("1"));
        var request = new TxnRequest
        {
            Compare = [new TxnCompareRequest { Key = Name("k"), Target = target, Operand = new RawJson(operand) }],
            Success = [new TxnOperationRequest { Delete = new TxnDeleteRequest { Prefix = Name("") } }],
        };

        var answer = await client.TransactAsync(request);

        Assert.That(answer.Succeeded, Is.EqualTo(holds));
        Assert.That(await client.GetAsync(Name("k")), holds ? Is.Null : Is.Not.Null);
    }

    [Test]
    public async Task A_transaction_that_makes_no_sense_is_refused()
    {
        var client = Client();
        var twice = new TxnOperationRequest { Put = new TxnPutRequest { Key = Name("k"), Value = "1" } };

        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.TransactAsync(new TxnRequest { Success = [twice, twice] }));

        Assert.That(refused!.Problem.Slug, Is.EqualTo("bad-request"));
    }

    [Test]
    public async Task A_key_goes_with_its_lease()
    {
        var client = Client();
        var lease = await client.GrantLeaseAsync(LongTtl);
        await client.PutAsync(Name("k"), Bytes("alive"), lease.Id);
        Assert.That((await client.GetAsync(Name("k")))?.Lease, Is.EqualTo(lease.Id));

        await lease.DisposeAsync();

        Assert.That(await client.GetAsync(Name("k")), Is.Null);
        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.PutAsync(Name("k"), Bytes("late"), lease.Id));
        Assert.That(refused!.Problem.Slug, Is.EqualTo("lease-expired"));
    }

    [Test]
    public async Task A_lease_is_kept_alive_for_longer_than_its_ttl()
    {
        var client = Client();
        await using var lease = await client.GrantLeaseAsync(ShortTtl);
        await client.PutAsync(Name("k"), Bytes("alive"), lease.Id);
        var first = lease.SafeUntil;

        await Eventually.UntilAsync(() => lease.SafeUntil > first + ShortTtl, "it is renewed");

        Assert.That(await client.GetAsync(Name("k")), Is.Not.Null);
    }

    [Test]
    public async Task A_fence_refuses_the_token_of_what_others_may_hold_too()
    {
        var client = Client();
        await using var reader = await client.AcquireLockAsync(Name("a"), Lasting with { Shared = true });

        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.PassFenceAsync(Name("f"), reader.FencingToken));

        Assert.That((refused!.Problem.Slug, refused.Problem.Document?.Name), Is.EqualTo(("shared-token", Name("a"))));
    }

    [Test]
    public async Task A_fence_passes_tokens_in_their_order_only()
    {
        var client = Client();
        long older;
        await using (var first = await client.AcquireLockAsync(Name("l"), Lasting))
        {
            older = first.FencingToken;
            Assert.That(await client.PassFenceAsync(Name("f"), older), Is.True);
        }
        await using var second = await client.AcquireLockAsync(Name("l"), Lasting);

        Assert.That(await client.PassFenceAsync(Name("f"), second.FencingToken), Is.True);
        Assert.That(await client.PassFenceAsync(Name("f"), older), Is.False);
        Assert.That(await client.PassFenceAsync(Name("f"), second.FencingToken), Is.True);
        Assert.That(async () => await client.PassFenceAsync(Name("f"), long.MaxValue), Throws.TypeOf<ConsensusException>());
    }

    [Test]
    public async Task A_cluster_that_is_there_answers_a_ping() => await Client().PingAsync();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
