using Consensus.Api.Transactions;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

internal abstract partial class ClientContract
{
    [Test]
    public async Task A_watch_from_a_revision_tells_every_change_in_order()
    {
        var client = Client();
        var first = await client.PutAsync(Name("a"), Bytes("1"));
        await client.PutAsync(Name("b"), Bytes("2"));
        await client.DeleteAsync(Name("a"));

        await using var watch = client.WatchPrefixAsync(Name(""), new WatchOptions { FromRevision = first }).GetAsyncEnumerator();
        var told = new[] { await watch.NextAsync(), await watch.NextAsync(), await watch.NextAsync() };
        var last = await client.PutAsync(Name("c"), Bytes("3"));
        var live = await watch.NextAsync();

        Assert.That(told.Select(changes => changes.Revision), Is.EqualTo(new[] { first, first + 1, first + 2 }));
        Assert.That(
            told.SelectMany(changes => changes.Changes).Select(change => (change.Kind, change.Key, change.Entry?.Text)),
            Is.EqualTo(new[] { (KeyChangeKind.Put, Name("a"), "1"), (KeyChangeKind.Put, Name("b"), "2"), (KeyChangeKind.Delete, Name("a"), (string?)null) }));
        Assert.That((live.Revision, live.Changes.Single().Entry?.Text), Is.EqualTo((last, "3")));
    }

    [Test]
    public async Task What_was_written_together_is_told_together()
    {
        var client = Client();
        var before = await client.PutAsync(Name("a"), Bytes("1"));
        await using var watch = client.WatchPrefixAsync(Name(""), new WatchOptions { FromRevision = before + 1, WithPrevious = true }).GetAsyncEnumerator();

        var answer = await client.TransactAsync(new TxnRequest
        {
            Success =
            [
                new TxnOperationRequest { Put = new TxnPutRequest { Key = Name("b"), Value = "2" } },
                new TxnOperationRequest { Delete = new TxnDeleteRequest { Key = Name("a") } },
            ],
        });
        var changes = await watch.NextAsync();

        Assert.That(changes.Revision, Is.EqualTo(answer.Revision));
        Assert.That(
            changes.Changes.Select(change => (change.Kind, change.Key, change.Previous?.Text)),
            Is.EqualTo(new[] { (KeyChangeKind.Put, Name("b"), null), (KeyChangeKind.Delete, Name("a"), (string?)"1") }));
    }

    [Test]
    public async Task A_watch_of_one_key_is_told_of_no_other()
    {
        var client = Client();
        var before = await client.PutAsync(Name("a"), Bytes("1"));
        await using var watch = client.WatchAsync(Name("a"), new WatchOptions { FromRevision = before + 1 }).GetAsyncEnumerator();

        await client.PutAsync(Name("ab"), Bytes("other"));
        var revision = await client.PutAsync(Name("a"), Bytes("2"));

        Assert.That((await watch.NextAsync()).Revision, Is.EqualTo(revision));
    }

    [Test]
    public async Task A_watch_from_the_future_is_refused()
    {
        var client = Client();
        var revision = await client.PutAsync(Name("a"), Bytes("1"));
        await using var watch = client.WatchAsync(Name("a"), new WatchOptions { FromRevision = revision + 1_000_000 }).GetAsyncEnumerator();

        var refused = await Assert.ThrowsAsync<ConsensusException>(async () => await watch.MoveNextAsync());

        Assert.That(refused!.Problem.Slug, Is.EqualTo("bad-request"));
    }

    [Test]
    public async Task A_watch_ends_when_its_reader_stops()
    {
        var client = Client();
        using var stop = new CancellationTokenSource();
        await using var watch = client.WatchAsync(Name("a"), null, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync().AsTask();

        await stop.CancelAsync();

        Assert.That(async () => await next.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task The_end_of_a_lease_tells_its_keys_as_deleted()
    {
        var client = Client();
        var lease = await client.GrantLeaseAsync(LongTtl);
        await client.PutAsync(Name("a"), Bytes("1"), lease.Id);
        var revision = await client.PutAsync(Name("b"), Bytes("2"), lease.Id);
        await using var watch = client.WatchPrefixAsync(Name(""), new WatchOptions { FromRevision = revision + 1 }).GetAsyncEnumerator();

        await lease.DisposeAsync();

        var changes = await watch.NextAsync();
        Assert.That(changes.Changes.Select(change => (change.Kind, change.Key)), Is.EqualTo(new[] { (KeyChangeKind.Delete, Name("a")), (KeyChangeKind.Delete, Name("b")) }));
    }
}
