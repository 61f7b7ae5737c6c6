using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Contract;

internal abstract partial class ClientContract
{
    [Test]
    public async Task One_candidate_leads_and_the_next_is_elected_when_it_resigns()
    {
        var client = Client();
        var first = await client.CampaignAsync(Name("e"), Candidate("one"));
        Assert.That(await client.TryCampaignAsync(Name("e"), Candidate("two")), Is.Null);
        var waiting = client.CampaignAsync(Name("e"), Candidate("two"));
        Assert.That((await client.GetLeaderAsync(Name("e"))).Leader, Is.EqualTo("one"));

        await first.DisposeAsync();

        await using var second = await waiting.InTimeAsync();
        Assert.That(second.FencingToken, Is.GreaterThan(first.FencingToken));
        var state = await client.GetLeaderAsync(Name("e"));
        Assert.That((state.Leader, state.FencingToken), Is.EqualTo(("two", (long?)second.FencingToken)));
    }

    [Test]
    public async Task An_observer_is_told_the_leader_its_values_and_its_end()
    {
        var client = Client();
        await using var observed = client.ObserveLeaderAsync(Name("e")).GetAsyncEnumerator();
        Assert.That((await observed.NextAsync()).Leader, Is.Null);

        var leadership = await client.CampaignAsync(Name("e"), Candidate("one") with { Value = "http://one" });
        var elected = await observed.NextAsync();
        Assert.That((elected.Leader, elected.Value, elected.FencingToken), Is.EqualTo(("one", "http://one", (long?)leadership.FencingToken)));

        await leadership.ProclaimAsync("http://moved");
        Assert.That((await observed.NextAsync()).Value, Is.EqualTo("http://moved"));
        Assert.That(leadership.Value, Is.EqualTo("http://moved"));

        await leadership.DisposeAsync();
        Assert.That((await observed.NextAsync()).Leader, Is.Null);
    }

    [Test]
    public async Task A_leader_that_resigned_can_proclaim_no_more()
    {
        var client = Client();
        var leadership = await client.CampaignAsync(Name("e"), Candidate("one"));
        await leadership.DisposeAsync();

        var refused = await Assert.ThrowsAsync<ConsensusException>(() => leadership.ProclaimAsync("too late"));

        Assert.That(refused!.Problem.Slug, Is.EqualTo("not-holder"));
    }

    [Test]
    public async Task Leadership_is_handed_over_to_a_candidate_that_waits()
    {
        var client = Client();
        var leadership = await client.CampaignAsync(Name("e"), Candidate("one"));
        var second = client.CampaignAsync(Name("e"), Candidate("two"));
        Assert.That(await leadership.HandOverAsync("three"), Is.False);

        await Eventually.UntilAsync(() => leadership.HandOverAsync("two"), "the second waits");

        await using var led = await second.InTimeAsync();
        Assert.That(led.Candidate, Is.EqualTo("two"));
    }

    [Test]
    public async Task Permits_are_held_up_to_the_limit()
    {
        var client = Client();
        var two = await client.AcquireSemaphoreAsync(Name("s"), 3, Permits(2));
        await using var one = await client.TryAcquireSemaphoreAsync(Name("s"), 3, Permits(1));
        Assert.That(one?.Count, Is.EqualTo(1));
        Assert.That(await client.TryAcquireSemaphoreAsync(Name("s"), 3, Permits(1)), Is.Null);
        Assert.That((await client.GetSemaphoreAsync(Name("s"))).PermitsUsed, Is.EqualTo(3));

        var waiting = client.AcquireSemaphoreAsync(Name("s"), 3, Permits(2));
        await two.DisposeAsync();

        await using var next = await waiting.InTimeAsync();
        Assert.That(next.Count, Is.EqualTo(2));
    }

    [Test]
    public async Task Another_limit_of_a_semaphore_in_use_is_refused()
    {
        var client = Client();
        await using var held = await client.AcquireSemaphoreAsync(Name("s"), 3, Permits(1));

        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.TryAcquireSemaphoreAsync(Name("s"), 4, Permits(1)));

        Assert.That((refused!.Problem.Slug, refused.Problem.Document?.Permits), Is.EqualTo(("permits-mismatch", (long?)3)));
    }

    [Test]
    public async Task The_limit_of_a_semaphore_in_use_is_changed_but_never_below_what_is_out()
    {
        var client = Client();
        var unused = await Assert.ThrowsAsync<ConsensusException>(() => client.ChangePermitsAsync(Name("s"), 3));
        await using var held = await client.AcquireSemaphoreAsync(Name("s"), 2, Permits(2));
        var waiting = client.AcquireSemaphoreAsync(Name("s"), 2, Permits(1));
        await Eventually.UntilAsync(async () => (await client.GetSemaphoreAsync(Name("s"))).WaiterCount == 1, "it waits");

        var changed = await client.ChangePermitsAsync(Name("s"), 3);

        await using var next = await waiting.InTimeAsync();
        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.ChangePermitsAsync(Name("s"), 2));
        Assert.That((changed.Permits, changed.PermitsOut), Is.EqualTo((3, 3)));
        Assert.That((await client.GetSemaphoreAsync(Name("s"))).Permits, Is.EqualTo(3));
        Assert.That((refused!.Problem.Slug, refused.Problem.Document?.Permits, refused.Problem.Document?.PermitsOut), Is.EqualTo(("permits-out", (long?)3, (long?)3)));
        Assert.That(unused!.Problem.Slug, Is.EqualTo("not-found"));
    }

    [Test]
    public async Task Permits_are_renewed_for_longer_than_their_ttl()
    {
        var client = Client();
        await using var handle = await client.AcquireSemaphoreAsync(Name("s"), 1, new SemaphoreOptions { Ttl = ShortTtl });
        var first = handle.SafeUntil;

        await Eventually.UntilAsync(() => handle.SafeUntil > first + ShortTtl, "they are renewed");

        Assert.That((await client.GetSemaphoreAsync(Name("s"))).PermitsUsed, Is.EqualTo(1));
    }

    private static CampaignOptions Candidate(string name) => new() { Ttl = LongTtl, Owner = name };

    private static SemaphoreOptions Permits(long count) => new() { Ttl = LongTtl, Count = count };
}
