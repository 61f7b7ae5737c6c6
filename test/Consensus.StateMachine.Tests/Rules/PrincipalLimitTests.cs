using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>How much of everything one principal may take. That what it has is counted, each command of every test verifies.</summary>
internal sealed class PrincipalLimitTests : PolicedTest
{
    private static readonly Limits Small = new() { MaxLeases = 16, MaxObjects = 12, MaxWaiters = 20, MaxIdempotencyBytes = 4_000 };

    private void FormWithin(Limits limits)
    {
        Subject = new Machine(limits);
        Form(Subject);
    }

    private void Bound(string principal, PrincipalLimits limits) =>
        Subject.Change(new PutPrincipalCommand(principal, [principal], IsDisabled: false) { Limits = limits });

    private void Full(BoundKind bound, long limit, Command command, string principal, string identity = "")
    {
        var before = Held(Subject.State.Counts);
        var full = Done<BoundReached>(command, principal, identity);
        Assert.That((full.Bound, full.Limit), Is.EqualTo((bound, limit)), $"{command}");
        Assert.That(Held(Subject.State.Counts), Is.EqualTo(before), "nothing was done");
    }

    private static (long, long, long, long) Held(StateCounts counts) =>
        (counts.Leases, counts.HoldsInUse, counts.Waiters, counts.IdempotencyKeys);

    private static GrantLeaseCommand Grant(long id, bool isSession = false) => new(new LeaseId(id), 60 * Second) { IsSession = isSession };

    [Test]
    public void Unless_set_a_principal_has_a_quarter_of_the_leases_and_others_find_room()
    {
        FormWithin(Small);
        for (var id = 1; id <= 4; id++)
        {
            Lease(id, "a", isSession: id == 1);
        }
        Full(BoundKind.LeasesOfPrincipal, 4, Grant(5), "a");
        Full(BoundKind.LeasesOfPrincipal, 4, Grant(5, isSession: true), "a");
        Full(BoundKind.LeasesOfPrincipal, 4, Lock("a", "o", 5), "a");
        Full(BoundKind.LeasesOfPrincipal, 4, Semaphore("a", "o", 5, 1, 2), "a");
        Full(BoundKind.LeasesOfPrincipal, 4, Election("a", "o", 5, [1]), "a");
        Full(BoundKind.LeasesOfPrincipal, 4, Many("o", 5, "a", "a2"), "a");
        Done<HoldGranted>(Lock("a", "o", 0) with { SharedLease = new LeaseId(2) }, "a");
        Lease(6, "b");
        Done<LeaseRevoked>(new RevokeLeaseCommand(new LeaseId(3)), "a");
        Lease(7, "a");
    }

    [Test]
    public void Unless_set_a_principal_has_a_quarter_of_what_can_be_in_use_held_or_waited_for()
    {
        FormWithin(Small);
        Lease(1, "a");
        AcquireCommand Ask(string name, long wait = 0) => Lock(name, "o", 0, wait) with { SharedLease = new LeaseId(1) };
        var held = Granted(Ask("a1"), "a");
        Waits(Ask("a1", 60 * Second), "a");
        var last = Granted(Ask("a2"), "a");
        Full(BoundKind.HoldsOfPrincipal, 3, Ask("a3"), "a");
        Full(BoundKind.HoldsOfPrincipal, 3, Ask("a2", 60 * Second), "a");
        Full(BoundKind.HoldsOfPrincipal, 3, Ask("a3") with { Space = HoldSpace.Semaphore, Permits = 2, Count = 1 }, "a");
        Full(BoundKind.HoldsOfPrincipal, 3, Ask("a3") with { Space = HoldSpace.Election }, "a");
        Full(BoundKind.HoldsOfPrincipal, 3, Many("o", 0, "a4") with { SharedLease = new LeaseId(1) }, "a");
        Done<HoldRefused>(Ask("a2"), "a");
        Granted(Lock("b1", "o", 9), "b");
        Done<HoldReleased>(Release(last), "a");
        Full(BoundKind.HoldsOfPrincipal, 3, Many("o", 0, "a4", "a5") with { SharedLease = new LeaseId(1) }, "a");
        Done<ManyGranted>(Many("o", 0, "a4") with { SharedLease = new LeaseId(1) }, "a");
        Done<HoldReleased>(Release(held), "a");
        Assert.That(Subject.State.Counts.Waiters, Is.Zero, "who waits is granted it, and the bound is no reason against it");
        Granted(Ask("a6"), "a");
    }

    [Test]
    public void What_waits_already_becomes_a_hold_with_its_lease_whatever_its_principal_has()
    {
        FormWithin(Small);
        var held = Granted(Lock("shared/x", "o", 1), "b");
        var waits = Waits(Lock("shared/x", "o", 2, 60 * Second), "a");
        for (var id = 3; id <= 6; id++)
        {
            Lease(id, "a");
        }
        Bound("a", PrincipalLimits.Default with { Holds = 1, Leases = 1 });
        Done<HoldReleased>(Release(held), "b");
        var taken = Subject.GrantOf(waits)!;
        Done<HoldRenewed>(Renew(taken), "a");
        Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(3)]), "a");
        Done<HoldReleased>(Release(taken), "a");
    }

    [Test]
    public void A_retry_has_the_place_that_it_has_where_there_is_no_more_room()
    {
        FormWithin(Small);
        Bound("a", PrincipalLimits.Default with { Holds = 1 });
        Granted(Lock("shared/x", "o", 1), "b");
        var ask = Lock("shared/x", "o", 2, 60 * Second);
        Waits(ask, "a", "key");
        Waits(ask, "a", "key");
        Full(BoundKind.HoldsOfPrincipal, 1, Lock("a", "o", 3), "a");
    }

    [Test]
    public void What_is_set_holds_instead_and_of_a_pattern_for_each_by_itself()
    {
        FormWithin(Small);
        Subject.Change(new PutPrincipalCommand("k8s:*", ["a"], IsDisabled: false)
        {
            Limits = PrincipalLimits.Default with { Leases = 5, Holds = 5 },
        });
        foreach (var (name, from) in new[] { ("k8s:x", 10), ("k8s:y", 20) })
        {
            for (var i = 0; i < 5; i++)
            {
                Done<HoldGranted>(Lock($"a{from + i}", "o", from + i), name);
            }
            Full(BoundKind.HoldsOfPrincipal, 5, Lock("a", "o", 9), name);
            Full(BoundKind.LeasesOfPrincipal, 5, Grant(9), name);
        }
        Subject.RestoreFromSnapshot();
        Full(BoundKind.HoldsOfPrincipal, 5, Lock("a", "o", 9), "k8s:x");
        var info = Subject.View.GetPrincipal("k8s:*")!;
        Assert.That((info.Limits.Leases, info.Limits.Holds, info.Limits.IdempotencyBytes), Is.EqualTo((5L, 5L, 0L)));
        Subject.Change(new PutPrincipalCommand("k8s:*", ["a"], IsDisabled: false));
        Assert.That(Subject.View.GetPrincipal("k8s:*")!.Limits, Is.EqualTo(PrincipalLimits.Default), "what is not said is the default");
    }

    [Test]
    public void Whoever_shows_no_credential_and_the_administrator_have_their_bounds_and_nobody_has_while_none_is_judged()
    {
        Subject = new Machine(Small);
        for (var id = 1; id <= 5; id++)
        {
            Lease(id, "");
            Lease(100 + id, "c");
        }
        Form(Subject);
        Subject.Change(new PutPrincipalCommand(Actor.Anonymous, ["a"], IsDisabled: false));
        Full(BoundKind.LeasesOfPrincipal, 4, Grant(7), "");
        Subject.Change(new PutPrincipalCommand("c", ["admin"], IsDisabled: false));
        Full(BoundKind.LeasesOfPrincipal, 4, Grant(7), "c");
        for (var id = 11; id <= 14; id++)
        {
            Lease(id, Local);
        }
        Full(BoundKind.LeasesOfPrincipal, 4, Grant(15), Local);
    }

    [Test]
    public void What_is_kept_of_its_requests_makes_room_by_its_own_oldest_alone()
    {
        FormWithin(Small);
        Done<PutDone>(Put("b"), "b", "kept");
        var done = 0;
        while (Subject.Do(Put("a"), $"k{done}", principal: "a") is PutDone)
        {
            done++;
            Subject.Pass(Second);
        }
        Assert.That(done, Is.InRange(2, 6));
        var full = Done<BoundReached>(Put("a"), "a", "other");
        Assert.That((full.Bound, full.Limit), Is.EqualTo((BoundKind.IdempotencyBytesOfPrincipal, 1_000L)));
        Assert.That(full.RetryAfterMicros, Is.EqualTo((60 - done) * Second));
        Done<PutDone>(Put("b"), "b", "another");
        Done<PutDone>(Put("a"), "a");
        Done<DeleteDone>(new DeleteCommand(Machine.Key("a"), KeyCondition.None), "a", "deletes pass");
        Subject.RestoreFromSnapshot();
        Full(BoundKind.IdempotencyBytesOfPrincipal, 1_000, Put("a"), "a", "a third");
        Subject.Pass(full.RetryAfterMicros);
        Done<PutDone>(Put("a"), "a", "a fourth");
        Done<RetryTooLate>(Put("a"), "a", "k0");
        Done<PutDone>(Put("b"), "b", "kept");
        Assert.That(Subject.View.GetPrincipal("a")!.Limits, Is.EqualTo(PrincipalLimits.Default));
    }

    [Test]
    public void A_lowered_bound_of_what_is_kept_costs_each_request_a_few_and_is_reached_in_the_end()
    {
        FormWithin(new Limits());
        const int Kept = 100;
        for (var i = 0; i < Kept; i++)
        {
            Done<PutDone>(Put("a"), "a", $"k{i}");
        }
        Subject.Pass(61 * Second);
        Bound("a", PrincipalLimits.Default with { IdempotencyBytes = 1 });
        var before = Subject.State.Counts.IdempotencyKeys;
        Done<PutDone>(Put("a"), "a", "first");
        Assert.That(Subject.State.Counts.IdempotencyKeys, Is.EqualTo(before + 1 - AnswerTable.ForgottenByOneCommand));
        for (var i = 0; i < Kept / AnswerTable.ForgottenByOneCommand; i++)
        {
            Subject.Do(Put("a"), $"l{i}", principal: "a");
        }
        Subject.Do(Put("a"), "last", principal: "a");
        Assert.That(Done<BoundReached>(Put("a"), "a", "behind it").Bound, Is.EqualTo(BoundKind.IdempotencyBytesOfPrincipal));
    }

    [Test]
    public void A_bound_that_is_none_is_refused()
    {
        foreach (var limits in new[]
        {
            PrincipalLimits.Default with { Leases = PrincipalLimits.Most + 1 },
            PrincipalLimits.Default with { Holds = long.MaxValue },
            PrincipalLimits.Default with { IdempotencyBytes = PrincipalLimits.Most + 1 },
        })
        {
            var refused = Subject.Do(new PutPrincipalCommand("a", ["a"], IsDisabled: false) { Limits = limits }, principal: Local);
            Assert.That(((PolicyRefused)refused).Reason, Is.EqualTo(PolicyRefusal.Malformed));
        }
        Bound("a", PrincipalLimits.Default with { Leases = PrincipalLimits.Most, Holds = 1, IdempotencyBytes = PrincipalLimits.Most });
    }

    [Test]
    public void Whoever_asks_at_random_is_refused_when_a_recount_says_so_and_only_then([Range(1, 20)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        FormWithin(Limits.Default);
        Bound("a", PrincipalLimits.Default with { Leases = 6, Holds = 9 });
        Bound("b", PrincipalLimits.Default with { Leases = 3, Holds = 4 });
        var refusals = 0;
        for (var i = 0; i < 400; i++)
        {
            Subject.Pass(random.Next(3) * Second);
            var principal = random.Chance(1, 2) ? "a" : "b";
            var (leases, holds) = principal == "a" ? (6, 9) : (3, 4);
            var before = Recount(principal);
            var command = Draw(random, i + 1);
            var outcome = Subject.Do(command, principal: principal);
            var after = Recount(principal);
            if (outcome is BoundReached full)
            {
                refusals++;
                var more = command is AcquireManyCommand ? 2 : 1;
                Assert.That(
                    full.Bound == BoundKind.LeasesOfPrincipal ? after.Leases >= leases : after.Holds + more > holds, $"{command}: {full}");
            }
            Assert.That(after.Holds, Is.LessThanOrEqualTo(holds), $"{command}: {outcome}");
            Assert.That(outcome is not LeaseGranted || before.Leases < leases, $"{command}: {outcome}");
            if (random.Chance(1, 30))
            {
                Subject.RestoreFromSnapshot();
            }
        }
        Assert.That(refusals, Is.Positive);
    }

    private static Command Draw(DeterministicRandom random, long id)
    {
        var names = new[] { "shared/x", "shared/y", "shared/z" };
        var name = names[random.Next(names.Length)];
        return random.Next(7) switch
        {
            0 => Grant(id),
            1 or 2 => Lock(name, "o", id, random.Next(2) * 20 * Second, ttl: 20 * Second),
            3 => WaitMany("o", id, "shared/x", "shared/y"),
            4 => Shared(name, "o", id, 20 * Second),
            5 => new RevokeLeaseCommand(new LeaseId(random.Next(1, id + 1))),
            _ => new ExpireCommand(),
        };
    }

    private (int Leases, int Holds) Recount(string principal)
    {
        var tables = Subject.View.Tables;
        var shared = tables.Holds.Shared.All().Count(hold => hold.Value.Principal == principal);
        var sole = tables.Objects.All().Count(item => item.Value.Sole?.Principal == principal);
        var waiters = tables.Waiters.Places.All().Count(waiter => waiter.Value.Actor.Name == principal);
        return (tables.Leases.All().Count(lease => lease.Value.Principal == principal), shared + sole + waiters);
    }
}
