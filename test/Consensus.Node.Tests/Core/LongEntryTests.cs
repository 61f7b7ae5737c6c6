using System.Collections.Immutable;
using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core;

/// <summary>
/// What a turn is charged for the entries that touch most, each at its bound (rule 9). A turn begins none once its budget of 5,000 units is
/// spent, so it is charged that and one of these at most.
/// </summary>
public sealed class LongEntryTests
{
    /// <summary>For what nobody asked for as a whole: it goes on with the next entry.</summary>
    private const long Unasked = 5_500;

    /// <summary>For what is done in one revision or not at all.</summary>
    private const long Whole = 12_000;

    /// <summary>For what ends hold by hold, and all at once: whoever is told of the end finds nothing held.</summary>
    private const long AllHolds = 95_000;

    private const int Many = 1_500;
    private const int Most = 10_000;
    private const long Second = 1_000_000;
    private static readonly Key Line = Key.FromText("line");
    private static readonly MemberId Lost = new(2);

    private ReplicatedState _state = null!;
    private ClusterTime _now;
    private long _sequence;
    private long _leases;

    [SetUp]
    public void Open() => (_state, _now, _leases) = (new ReplicatedState(Limits.Default), new ClusterTime(Second), 1_000_000);

    /// <summary>Applies the command; what came of it, and what a turn is charged for it.</summary>
    private (Outcome Outcome, long Units) Do(Command command, long member = 1, string key = "")
    {
        var writer = new WireWriter();
        ReadOnlyMemory<byte> identity = System.Text.Encoding.UTF8.GetBytes(key);
        CommandCodec.Write(writer, new CommandEnvelope(command, identity, identity.IsEmpty ? default : new byte[16]));
        var entry = new Entry
        {
            Term = new Term(1),
            Index = _state.AppliedIndex.Next,
            Kind = EntryKind.Command,
            Stamp = _now,
            Request = new RequestId(new MemberId(member), 1, ++_sequence),
            Payload = writer.ToArray(),
        };
        var output = new ApplyOutput();
        _state.Apply(new LoggedEntry(entry.Index, entry.Stamp, true, entry.Request, "", entry.Payload), output);
        var budget = new TurnBudget(1);
        budget.Charge(entry, output.Objects, output.Light);
        return (output.Resolutions.Last(r => r.Request == entry.Request).Outcome, budget.Charged);
    }

    private T Get<T>(Command command, long member = 1, string key = "")
        where T : Outcome
    {
        var outcome = Do(command, member, key).Outcome;
        Assert.That(outcome, Is.InstanceOf<T>());
        return (T)outcome;
    }

    private LeaseId NewLease => new(_leases++);

    private AcquireCommand Ask(Key name, long wait = 600 * Second, long ttl = 600 * Second, LockMode mode = LockMode.Exclusive) =>
        new(name, $"o{_leases}", ttl, NewLease, LeaseId.None, wait) { Mode = mode };

    private Hold Grant(AcquireCommand ask) => Get<HoldGranted>(ask).Hold;

    private void Queue(AcquireCommand ask, long member = 1, string key = "") => Get<HoldQueued>(ask, member, key);

    private static Key Name(int number) => Key.FromText($"n{number:00000}");

    private void PutMost(LeaseId lease, int bytes = 16)
    {
        for (var i = 0; i < Most; i++)
        {
            Get<PutDone>(new PutCommand(Name(i), new byte[bytes], lease, KeyCondition.None));
        }
    }

    /// <summary>Charged for each entry until nothing is left over.</summary>
    private List<long> ChargesUntilNothingIsLeft(Command first)
    {
        var charges = new List<long> { Do(first).Units };
        while (_state.NextDeadline <= _now)
        {
            Assert.That(charges, Has.Count.LessThan(100), "it ends");
            charges.Add(Do(new ExpireCommand()).Units);
        }
        return charges;
    }

    private void IsDoneInSteps(Command first)
    {
        var charges = ChargesUntilNothingIsLeft(first);
        Assert.That(charges, Has.Count.GreaterThan(1));
        Assert.That(charges.Max(), Is.LessThanOrEqualTo(Unasked));
    }

    [Test]
    public void Readers_that_are_granted_at_a_writers_release()
    {
        var writer = Grant(Ask(Line));
        Enumerable.Range(0, Many).ToList().ForEach(_ => Queue(Ask(Line, mode: LockMode.Shared)));
        IsDoneInSteps(new ReleaseHoldCommand(Line, writer.Token, Force: false));
        Assert.That(_state.Counts.HoldsInUse, Is.EqualTo(Many));
    }

    [Test]
    public void Permits_that_are_granted_when_the_limit_rises()
    {
        AcquireCommand Permit() => Ask(Line) with { Space = HoldSpace.Semaphore, Count = 1, Permits = 1 };
        Grant(Permit());
        Enumerable.Range(0, Many).ToList().ForEach(_ => Queue(Permit()));
        IsDoneInSteps(new ChangePermitsCommand(Line, Many + 1));
        Assert.That(_state.Counts.HoldsInUse, Is.EqualTo(Many + 1));
    }

    [Test]
    public void Leases_that_run_out_together([Values] bool withLocksThatOthersWaitFor)
    {
        for (var i = 0; i < Many; i++)
        {
            if (withLocksThatOthersWaitFor)
            {
                Grant(Ask(Name(i), ttl: Second));
                Queue(Ask(Name(i)));
            }
            else
            {
                Get<LeaseGranted>(new GrantLeaseCommand(NewLease, Second));
            }
        }
        _now = _now.PlusMicros(2 * Second);
        IsDoneInSteps(new ExpireCommand());
        Assert.That(_state.Counts.Leases, Is.EqualTo(withLocksThatOthersWaitFor ? Many : 0));
    }

    [Test]
    public void Waits_that_are_over_together([Values] bool inOneLine)
    {
        Grant(Ask(Line));
        for (var i = 0; i < Many; i++)
        {
            var name = inOneLine ? Line : Name(i);
            if (!inOneLine)
            {
                Grant(Ask(name));
            }
            Queue(Ask(name, wait: Second));
        }
        _now = _now.PlusMicros(2 * Second);
        IsDoneInSteps(new ExpireCommand());
        Assert.That(_state.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void Waiters_of_a_lost_process([Values] bool withKeys, [Values] bool inOneLine)
    {
        Grant(Ask(Line));
        for (var i = 0; i < Many; i++)
        {
            var name = inOneLine ? Line : Name(i);
            if (!inOneLine)
            {
                Grant(Ask(name));
            }
            Queue(Ask(name), member: Lost.Value, withKeys ? $"key{i}" : "");
        }
        IsDoneInSteps(new DetachWaitersCommand(Lost, 1));
        Assert.That(_state.Counts.Waiters, Is.EqualTo(withKeys ? Many : 0));
    }

    [Test]
    public void A_removed_member_and_one_that_starts_anew([Values] bool isRemoved)
    {
        AnnounceMemberCommand Announcement(long boot) => new(Lost, "n2", boot, "", "", "", 0);
        Do(Announcement(1));
        Grant(Ask(Line));
        Enumerable.Range(0, Many).ToList().ForEach(_ => Queue(Ask(Line), member: Lost.Value));
        IsDoneInSteps(isRemoved ? new ForgetMemberCommand(Lost) : Announcement(2));
        Assert.That(_state.Counts.Waiters, Is.Zero);
    }

    [Test]
    public void A_release_before_those_whose_wait_is_over()
    {
        var held = Grant(Ask(Line));
        Enumerable.Range(0, Many).ToList().ForEach(_ => Queue(Ask(Line, wait: Second)));
        _now = _now.PlusMicros(2 * Second);
        IsDoneInSteps(new ReleaseHoldCommand(Line, held.Token, Force: false));
    }

    [Test]
    public void A_keep_alive_of_as_many_leases_as_one_command_has()
    {
        var leases = Enumerable.Range(0, 800).Select(_ => NewLease).ToImmutableArray();
        foreach (var lease in leases)
        {
            Get<LeaseGranted>(new GrantLeaseCommand(lease, 60 * Second));
        }
        _now = _now.PlusMicros(Second);
        Assert.That(Do(new RenewLeasesCommand(leases)).Units, Is.InRange(800, Unasked));
    }

    [Test]
    public void A_lease_with_as_many_keys_as_it_may_have_ends_while_history_is_forgotten()
    {
        var lease = NewLease;
        Get<LeaseGranted>(new GrantLeaseCommand(lease, 600 * Second));
        PutMost(lease, bytes: 1_500);
        PutMost(lease, bytes: 1_500);
        Do(new PutSettingCommand(Setting.HistoryBytes, 8L << 20));
        Assert.That(_state.Counts.HistoryBytes, Is.GreaterThan(9L << 20), "there is something to forget");
        var (outcome, units) = Do(new RevokeLeaseCommand(lease));
        Assert.That(((LeaseRevoked)outcome).KeysDeleted, Is.EqualTo(Most));
        Assert.That(units, Is.InRange(Most, Whole));
    }

    [Test]
    public void History_beyond_its_bound_is_forgotten_in_steps()
    {
        PutMost(LeaseId.None, bytes: 1_500);
        PutMost(LeaseId.None, bytes: 1_500);
        Do(new PutSettingCommand(Setting.HistoryBytes, 8L << 20));
        var before = _state.Counts.Changes;
        Assert.That(Do(new PutCommand(Line, default, LeaseId.None, KeyCondition.None)).Units, Is.LessThanOrEqualTo(Unasked));
        Assert.That(before - _state.Counts.Changes, Is.InRange(100, 500));
    }

    [Test]
    public void As_many_keys_as_one_deletion_may_take_and_one_more()
    {
        PutMost(LeaseId.None);
        Get<PutDone>(new PutCommand(Name(Most), default, LeaseId.None, KeyCondition.None));
        var (refused, little) = Do(new DeletePrefixCommand(default));
        Assert.That(refused, Is.InstanceOf<TooManyObjects>());
        Assert.That(little, Is.LessThan(100), "whoever asks for it again and again costs little");
        Get<DeleteDone>(new DeleteCommand(Name(Most), KeyCondition.None));
        var (done, units) = Do(new DeletePrefixCommand(default));
        Assert.That(((DeleteDone)done).Deleted, Is.EqualTo(Most));
        Assert.That(units, Is.InRange(Most, Whole));
    }

    [Test]
    public void A_transaction_that_touches_as_much_as_it_may()
    {
        PutMost(LeaseId.None);
        Get<PutDone>(new PutCommand(Name(Most), default, LeaseId.None, KeyCondition.None));
        var all = new TxnDelete(Key.FromText("n0"), IsPrefix: true);
        var tooMany = new TxnCommand([], [all, new TxnDelete(Name(Most), false)], []);
        Assert.That(Do(tooMany).Units, Is.InRange(Most, Whole), "refused, but not at once");
        ImmutableArray<TxnOperation> reads = [.. Enumerable.Repeat(new TxnGet(default, IsPrefix: true, 0), 10)];
        Assert.That(Do(new TxnCommand([], reads, [])).Units, Is.InRange(Most, Whole));
        Assert.That(Do(new TxnCommand([], [all], [])).Units, Is.InRange(Most, Whole));
        Assert.That(_state.Counts.Keys, Is.EqualTo(1));
    }

    [Test]
    public void A_lease_with_as_many_holds_as_it_may_have([Values] HoldSpace space, [Values] bool othersWait)
    {
        var lease = NewLease;
        Get<LeaseGranted>(new GrantLeaseCommand(lease, 600 * Second));
        AcquireCommand Of(AcquireCommand ask) => ask with { Space = space, Count = 1, Permits = space == HoldSpace.Semaphore ? 1 : 0 };
        for (var i = 0; i < Most; i++)
        {
            Grant(Of(Ask(Name(i)) with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = lease }));
            if (othersWait)
            {
                Queue(Of(Ask(Name(i))));
            }
        }
        var (outcome, units) = Do(new RevokeLeaseCommand(lease));
        Assert.That(((LeaseRevoked)outcome).LocksFreed, Is.EqualTo(Most));
        TestContext.Out.WriteLine($"a lease of {Most} holds of the space {space}, others wait: {othersWait}: {units} units");
        Assert.That(units, Is.InRange(3 * Most, AllHolds));
    }

    [Test]
    public void A_lock_with_as_many_readers_as_may_be_broken_by_force()
    {
        for (var i = 0; i < Most; i++)
        {
            Grant(Ask(Line, mode: LockMode.Shared));
        }
        var (outcome, units) = Do(new ReleaseHoldCommand(Line, FencingToken.None, Force: true));
        Assert.That((outcome, _state.Counts.HoldsInUse), Is.EqualTo((new HoldReleased(outcome.Revision), 0)));
        TestContext.Out.WriteLine($"{Most} readers broken by force: {units} units");
        Assert.That(units, Is.InRange(3 * Most, AllHolds));
    }
}
