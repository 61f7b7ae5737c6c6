using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

internal abstract partial class ClientContract
{
    [Test]
    public async Task A_lock_is_held_by_one_and_the_next_gets_a_larger_token()
    {
        var (mine, yours) = (Client("me"), Client("you"));
        var first = await mine.AcquireLockAsync(Name("a"), Lasting);
        Assert.That(await yours.TryAcquireLockAsync(Name("a"), Lasting), Is.Null);
        Assert.That(first.IsHeld, Is.True);
        Assert.That((first.Name, first.Owner, first.IsShared), Is.EqualTo((Name("a"), "me", false)));

        await first.DisposeAsync();
        await using var second = await yours.TryAcquireLockAsync(Name("a"), Lasting);

        Assert.That(second, Is.Not.Null);
        Assert.That(second!.FencingToken, Is.GreaterThan(first.FencingToken));
        Assert.That(second.ClusterId, Is.EqualTo(first.ClusterId));
        Assert.That(first.HandleLost.IsCancellationRequested, Is.False, "giving back is no loss");
        Assert.That(first.IsHeld, Is.False);
        Assert.That(first.ThrowIfLost, Throws.TypeOf<HandleLostException>());
    }

    private static async Task<T> UntilAsync<T>(IAsyncEnumerator<T> states, Func<T, bool> condition)
    {
        while (true)
        {
            // What lasted for moments only may be told or not.
            if (await states.NextAsync() is var state && condition(state))
            {
                return state;
            }
        }
    }

    [Test]
    public async Task An_observer_of_a_lock_is_told_its_holder_its_queue_and_its_end()
    {
        var client = Client();
        await using var observed = client.ObserveLockAsync(Name("a")).GetAsyncEnumerator();
        Assert.That((await observed.NextAsync()).Holders, Is.Empty);

        var first = await client.AcquireLockAsync(Name("a"), Lasting with { Owner = "one" });
        var held = await UntilAsync(observed, state => state.HolderCount == 1);
        Assert.That((held.Holders[0].Owner, held.Holders[0].FencingToken), Is.EqualTo(("one", first.FencingToken)));

        var waiting = client.AcquireLockAsync(Name("a"), Lasting with { Owner = "two" });
        Assert.That((await UntilAsync(observed, state => state.WaiterCount == 1)).Waiters[0].Owner, Is.EqualTo("two"));

        await first.DisposeAsync();
        var second = await waiting.InTimeAsync();
        var next = await UntilAsync(observed, state => state.Holders is [{ Owner: "two" }]);
        Assert.That((next.Holders[0].FencingToken, next.WaiterCount), Is.EqualTo((second.FencingToken, 0L)));

        await second.DisposeAsync();
        await UntilAsync(observed, state => state.HolderCount == 0);
    }

    [Test]
    public async Task An_observer_of_a_semaphore_is_told_all_its_holders()
    {
        var client = Client();
        await using var observed = client.ObserveSemaphoreAsync(Name("s")).GetAsyncEnumerator();
        Assert.That((await observed.NextAsync()).Permits, Is.Null);

        await using var one = await client.AcquireSemaphoreAsync(Name("s"), 3);
        await using var two = await client.AcquireSemaphoreAsync(Name("s"), 3);

        var state = await UntilAsync(observed, seen => seen.HolderCount == 2);
        Assert.That((state.Permits, state.PermitsUsed), Is.EqualTo((3L, 2L)));
        Assert.That(state.Holders.Select(holder => holder.FencingToken), Is.EqualTo(new[] { one.FencingToken, two.FencingToken }));
    }

    [Test]
    public async Task Acquire_waits_in_line_for_its_turn()
    {
        var client = Client();
        var first = await client.AcquireLockAsync(Name("a"), Lasting);
        var second = client.AcquireLockAsync(Name("a"), Lasting with { Owner = "second" });
        await UntilWaitingAsync(client, Name("a"), 1);
        var third = client.AcquireLockAsync(Name("a"), Lasting with { Owner = "third" });
        await UntilWaitingAsync(client, Name("a"), 2);

        await first.DisposeAsync();
        var handle = await second.InTimeAsync();
        Assert.That(third.IsCompleted, Is.False);
        await handle.DisposeAsync();

        await using var last = await third.InTimeAsync();
        Assert.That(last.Owner, Is.EqualTo("third"));
    }

    [Test]
    public async Task Acquire_throws_when_its_time_is_over_and_TryAcquire_returns_null()
    {
        var client = Client();
        await using var held = await client.AcquireLockAsync(Name("a"), Lasting);

        Assert.That(
            async () => await client.AcquireLockAsync(Name("a"), Lasting, TimeSpan.FromMilliseconds(50)), Throws.TypeOf<TimeoutException>());
        Assert.That(await client.TryAcquireLockAsync(Name("a"), Lasting, TimeSpan.FromMilliseconds(50)), Is.Null);
        Assert.That((await client.GetLockAsync(Name("a"))).WaiterCount, Is.Zero);
        Assert.That(held.IsHeld, Is.True);
    }

    [Test]
    public async Task Who_waits_in_vain_for_what_it_holds_itself_is_told_its_token()
    {
        var (mine, yours) = (Client("me"), Client("you"));
        await using var held = await mine.AcquireLockAsync(Name("a"), Lasting);
        var brief = TimeSpan.FromMilliseconds(50);

        var own = await Assert.ThrowsAsync<TimeoutException>(() => mine.AcquireLockAsync(Name("a"), Lasting, brief));
        var other = await Assert.ThrowsAsync<TimeoutException>(() => yours.AcquireLockAsync(Name("a"), Lasting, brief));
        var several = await Assert.ThrowsAsync<TimeoutException>(() => mine.AcquireLocksAsync([Name("b"), Name("a")], timeout: brief));

        Assert.That(own!.Message, Does.Contain($"you hold it already, with token {held.FencingToken}"));
        Assert.That(OwnTokenIn(own), Is.EqualTo(held.FencingToken));
        Assert.That((OwnTokenIn(other!), other!.Message.Contains("you hold it")), Is.EqualTo(((long?)null, false)));
        Assert.That(OwnTokenIn(several!), Is.EqualTo(held.FencingToken));
    }

    [Test]
    public async Task Who_stops_waiting_by_cancellation_gives_its_place_up()
    {
        var client = Client();
        await using var held = await client.AcquireLockAsync(Name("a"), Lasting);
        using var cancellation = new CancellationTokenSource();
        var waiting = client.AcquireLockAsync(Name("a"), Lasting, null, cancellation.Token);
        await UntilWaitingAsync(client, Name("a"), 1);

        await cancellation.CancelAsync();

        Assert.That(async () => await waiting.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        await UntilWaitingAsync(client, Name("a"), 0);
    }

    [Test]
    public async Task Shared_holds_stand_beside_each_other_and_not_beside_an_exclusive_one()
    {
        var client = Client();
        var reader = await client.AcquireLockAsync(Name("a"), Lasting with { Shared = true });
        var another = await client.TryAcquireLockAsync(Name("a"), Lasting with { Shared = true });
        Assert.That(another?.IsShared, Is.True);
        Assert.That(await client.TryAcquireLockAsync(Name("a"), Lasting), Is.Null);

        await reader.DisposeAsync();
        await another!.DisposeAsync();

        await using var writer = await client.TryAcquireLockAsync(Name("a"), Lasting);
        Assert.That(writer, Is.Not.Null);
    }

    [Test]
    public async Task Giving_back_twice_is_giving_back_once()
    {
        var client = Client();
        var handle = await client.AcquireLockAsync(Name("a"), Lasting);

        Assert.That(await handle.ReleaseAsync(), Is.True);
        Assert.That(await handle.ReleaseAsync(), Is.True);
        await handle.DisposeAsync();
        await handle.DisposeAsync();

        Assert.That((await client.GetLockAsync(Name("a"))).HolderCount, Is.Zero);
    }

    [Test]
    public async Task A_lock_that_an_operator_breaks_is_lost_as_soon_as_its_holder_asks()
    {
        var client = Client();
        await using var handle = await client.AcquireLockAsync(Name("a"), new LockOptions { Ttl = ShortTtl });

        await BreakLockAsync(Name("a"));
        await handle.LostAsync();

        Assert.That(handle.LossReason, Is.Not.Empty);
        Assert.That(handle.IsHeld, Is.False);
        Assert.That(handle.SafeFor, Is.EqualTo(TimeSpan.Zero));
        Assert.That(await handle.ReleaseAsync(), Is.False, "it had been lost before");
    }

    [Test]
    public async Task A_hold_is_renewed_for_longer_than_its_ttl()
    {
        var client = Client();
        await using var handle = await client.AcquireLockAsync(Name("a"), new LockOptions { Ttl = ShortTtl });
        var first = handle.SafeUntil;

        await Eventually.UntilAsync(() => handle.SafeUntil > first + ShortTtl, "it is renewed");

        Assert.That(handle.IsHeld, Is.True);
        Assert.That((await client.GetLockAsync(Name("a"))).Holders.Single().FencingToken, Is.EqualTo(handle.FencingToken));
    }

    [Test]
    public async Task A_hold_ends_when_its_client_is_gone_without_giving_it_back()
    {
        var client = Client();
        var abandoned = CreateClient("gone");
        var handle = await abandoned.AcquireLockAsync(Name("a"), new LockOptions { Ttl = ShortTtl });
        abandoned.Dispose();
        await handle.LostAsync();

        await using var next = await client.AcquireLockAsync(Name("a"), Lasting, Eventually.Deadline);

        Assert.That(next.FencingToken, Is.GreaterThan(handle.FencingToken));
        var loss = (await client.GetLockAsync(Name("a"))).LastLoss!;
        Assert.That((loss.Reason, loss.TtlMs, loss.By, loss.MaxHoldMs), Is.EqualTo(("expired", (long)ShortTtl.TotalMilliseconds, (string?)null, (long?)null)));
        Assert.That(loss.RenewedMsBefore, Is.GreaterThanOrEqualTo(loss.TtlMs));
    }

    [Test]
    public async Task A_hold_shows_its_metadata_and_ends_by_its_max_hold()
    {
        var client = Client();
        var options = new LockOptions { Ttl = ShortTtl, MaxHold = ShortTtl, Metadata = """{"job":7}""" };
        await using var handle = await client.AcquireLockAsync(Name("a"), options);
        Assert.That((await client.GetLockAsync(Name("a"))).Holders.Single().Metadata?.Text, Is.EqualTo("""{"job":7}"""));

        await handle.LostAsync();
        await Eventually.UntilAsync(async () => (await client.GetLockAsync(Name("a"))).HolderCount == 0, "the hold is over");

        var loss = (await client.GetLockAsync(Name("a"))).LastLoss!;
        Assert.That((loss.Reason, loss.MaxHoldMs), Is.EqualTo(("held-too-long", (long?)ShortTtl.TotalMilliseconds)));
    }

    [Test]
    public async Task No_other_is_granted_while_a_handle_says_that_it_is_held_for_no_longer_than_its_max_hold()
    {
        var client = Client();
        await using var handle = await client.AcquireLockAsync(Name("a"), new LockOptions { Ttl = ShortTtl, MaxHold = 2 * ShortTtl });

        await using var next = await client.AcquireLockAsync(Name("a"), Lasting, Eventually.Deadline);

        Assert.That(handle.IsHeld, Is.False);
        Assert.That(next.FencingToken, Is.GreaterThan(handle.FencingToken));
    }

    [Test]
    public async Task A_lock_is_handed_over_to_a_named_waiter()
    {
        var client = Client();
        var handle = await client.AcquireLockAsync(Name("a"), Lasting);
        Assert.That(await handle.HandOverAsync("nobody"), Is.False);
        Assert.That(handle.IsHeld, Is.True);
        var waiting = client.AcquireLockAsync(Name("a"), Lasting with { Owner = "heir" });
        await UntilWaitingAsync(client, Name("a"), 1);

        Assert.That(await handle.HandOverAsync("heir"), Is.True);

        await using var heir = await waiting.InTimeAsync();
        Assert.That(heir.FencingToken, Is.GreaterThan(handle.FencingToken));
        Assert.That(handle.IsHeld, Is.False);
        await handle.DisposeAsync();
        Assert.That(heir.IsHeld, Is.True);
    }

    [Test]
    public async Task What_is_asked_wrongly_is_refused_and_not_waited_for()
    {
        var client = Client();
        var tooShort = new LockOptions { Ttl = TimeSpan.FromMilliseconds(1) };

        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.AcquireLockAsync(Name("a"), tooShort, LongTtl));

        Assert.That((refused!.Problem.Kind, refused.Problem.Slug), Is.EqualTo((ApiFailureKind.Refused, "bad-request")));
    }

    private static long? OwnTokenIn(TimeoutException over) => ((ConsensusException)over.InnerException!).Problem.Document!.OwnFencingToken;
}
