using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

/// <summary>Several locks that are held together.</summary>
internal abstract class MultiLockContract : ContractClients
{
    [Test]
    public async Task Several_locks_are_taken_together_or_not_at_all()
    {
        var client = Client();
        string[] names = [Name("a"), Name("b"), Name("c")];
        await using (await client.AcquireLockAsync(Name("b"), Lasting))
        {
            Assert.That(await client.TryAcquireLocksAsync(names), Is.Null);
            Assert.That((await client.GetLockAsync(Name("a"))).HolderCount, Is.Zero);
            Assert.That(
                async () => await client.AcquireLocksAsync(names, timeout: TimeSpan.FromMilliseconds(50)),
                Throws.TypeOf<TimeoutException>());
        }

        await using (var all = await client.AcquireLocksAsync(names, timeout: Eventually.Deadline))
        {
            Assert.That(all.FencingTokens.Keys, Is.EquivalentTo(names));
            Assert.That(all.FencingTokens.Values, Is.Unique);
        }

        foreach (var name in names)
        {
            Assert.That((await client.GetLockAsync(name)).HolderCount, Is.Zero);
        }
    }

    [Test]
    public async Task Several_locks_are_lost_together_when_one_of_them_is()
    {
        var client = Client();
        await using var all = await client.AcquireLocksAsync([Name("a"), Name("b")], new MultiLockOptions { Ttl = ShortTtl });

        await BreakLockAsync(Name("b"));
        await all.LostAsync();

        Assert.That(await all.ReleaseAsync(), Is.False);
        Assert.That((await client.GetLockAsync(Name("a"))).HolderCount, Is.Zero, "what was left is given back");
    }

    [Test]
    public async Task Several_locks_are_waited_for_in_line_and_nobody_passes_though_one_of_them_is_free()
    {
        var (me, you) = (Client("me"), Client("you"));
        var held = await you.AcquireLockAsync(Name("b"), Lasting);
        var waiting = me.AcquireLocksAsync([Name("a"), Name("b")], new MultiLockOptions { Ttl = LongTtl });
        await UntilWaitingAsync(you, Name("a"), 1);
        Assert.That((await you.GetLockAsync(Name("a"))).HolderCount, Is.Zero, "it holds none while it waits");
        Assert.That(await you.TryAcquireLockAsync(Name("a"), Lasting), Is.Null);
        var behind = you.AcquireLocksAsync([Name("b"), Name("a")], new MultiLockOptions { Ttl = LongTtl });
        await UntilWaitingAsync(you, Name("a"), 2);
        await held.ReleaseAsync();

        var first = await waiting;
        Assert.That(behind.IsCompleted, Is.False);
        await first.ReleaseAsync();
        await using var second = await behind;
        Assert.That(second.FencingTokens.Values.Min(), Is.GreaterThan(first.FencingTokens.Values.Max()));
    }

    [Test]
    public async Task Who_stops_waiting_for_several_locks_gives_up_its_place_for_each()
    {
        var client = Client();
        await using var held = await client.AcquireLockAsync(Name("b"), Lasting);
        using var cancellation = new CancellationTokenSource();
        var waiting = client.AcquireLocksAsync([Name("a"), Name("b")], null, null, cancellation.Token);
        await UntilWaitingAsync(client, Name("a"), 1);

        await cancellation.CancelAsync();

        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        await UntilWaitingAsync(client, Name("a"), 0);
        await UntilWaitingAsync(client, Name("b"), 0);
    }
}
