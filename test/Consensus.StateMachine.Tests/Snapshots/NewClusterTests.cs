using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using Consensus.StateMachine.Tests.Rules;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Snapshots;

/// <summary>Rule 15, word by word: a backup as the first state of a new cluster.</summary>
public sealed class NewClusterTests
{
    private const long Now = 1_800_000_000;

    private static PutCommand Put(string key, long lease = 0) => new(Machine.Key(key), new byte[] { 1 }, new LeaseId(lease), KeyCondition.None);

    /// <summary>A state with something of everything.</summary>
    private static (Machine Machine, Hold Lock, Hold Leader) Busy()
    {
        var machine = new Machine();
        machine.Do(new AnnounceMemberCommand(new MemberId(1), "n1", 1, "http://n1", "n1:1", "1", 0));
        machine.Do(Put("kept"));
        machine.Do(new GrantLeaseCommand(new LeaseId(90), 60 * Second));
        machine.Do(Put("tied", 90));
        var held = machine.Granted(Lock("l", "a", 1) with { LockDelayMicros = 10 * Second, Metadata = "{}"u8.ToArray() }, "first");
        machine.Queued(Lock("l", "b", 2, 600 * Second), "second");
        machine.Queued(new AcquireCommand(Machine.Key("l"), "c", 0, LeaseId.None, new LeaseId(90), 600 * Second));
        machine.Granted(Shared("s", "a", 3));
        machine.Granted(Shared("s", "b", 4));
        machine.Granted(Semaphore("p", "a", 5, 2, 3));
        machine.Queued(Semaphore("p", "b", 6, 2, 3, 600 * Second));
        var leader = machine.Granted(Election("e", "a", 7, "here"u8.ToArray()) with { MaxHoldMicros = 600 * Second });
        machine.Do(new FenceCommand(Machine.Key("f"), held.Token));
        return (machine, held, leader);
    }

    [Test]
    public void Every_hold_lease_and_waiter_ends_with_the_keys_that_were_tied_to_them()
    {
        var (machine, held, leader) = Busy();
        var before = machine.View.Counts;
        var losses = machine.State.BeginNewCluster(Now);
        var after = machine.View;
        Assert.That(losses, Is.EqualTo(new NewClusterLosses(before.Leases, before.HoldsInUse, before.Waiters, 1)));
        Assert.That((after.Counts.Leases, after.Counts.HoldsInUse, after.Counts.Waiters), Is.EqualTo((0L, 0L, 0L)));
        Assert.That((after.GetObject(held.Object).Holder, after.GetObject(leader.Object).Holder), Is.EqualTo(((Hold?)null, (Hold?)null)));
        Assert.That(after.GetKey(Machine.Key("kept")), Is.Not.Null);
        Assert.That(after.GetKey(Machine.Key("tied")), Is.Null);
        Assert.That(after.ListMembers(), Is.Empty);
    }

    [Test]
    public void Sessions_end_with_all_that_they_have_and_settings_and_released_tokens_stay()
    {
        var (machine, _, _) = Busy();
        var session = new LeaseId(91);
        Outcome Ask(long number, Command command) => machine.Do(command, session: new SessionRequest(session, number, 0));
        machine.Do(new GrantLeaseCommand(session, 60 * Second) { IsSession = true });
        var released = ((HoldGranted)Ask(1, Lock("x", "a", 0, ttl: 0) with { SharedLease = session })).Hold;
        machine.Do(Release(released));
        Ask(2, Lock("x", "a", 0, ttl: 0) with { SharedLease = session, LockDelayMicros = 10 * Second });
        Ask(3, Lock("l", "a", 0, 60 * Second, ttl: 0) with { SharedLease = session });
        Ask(4, Many("a", 0, "y", "z") with { SharedLease = session, TtlMicros = 0 });
        machine.Do(new PutSettingCommand(Setting.MaxLeases, 5_000));
        machine.Do(new NoteLeaderlessCommand(machine.Now, Second));
        machine.State.BeginNewCluster(Now);
        machine.State.Verify();
        machine.RestoreFromSnapshot();
        Assert.That((machine.State.Counts.Sessions, machine.State.Counts.SessionAnswers, machine.State.Counts.SessionEnds), Is.EqualTo((0L, 0L, 0L)));
        Assert.That(machine.State.Limits.MaxLeases, Is.EqualTo(5_000));
        Assert.That(machine.Do(Release(released)), Is.InstanceOf<HoldReleased>());
        Assert.That(Ask(4, Many("a", 0, "y", "z") with { SharedLease = session, TtlMicros = 0 }), Is.EqualTo(new SessionRefused(machine.State.Revision, session, SessionRefusal.Ended, 0)));
    }

    [Test]
    public void The_revision_leaps_above_the_backup_and_above_the_clock_whichever_is_more()
    {
        var (machine, _, _) = Busy();
        var backup = machine.State.Revision;
        machine.RestoreFromSnapshot();
        machine.State.BeginNewCluster(Now);
        Assert.That(machine.State.Revision.Value, Is.GreaterThanOrEqualTo(Now << 20).And.LessThan((Now + 1) << 20));

        var (other, _, _) = Busy();
        other.State.BeginNewCluster(unixSeconds: 0);
        Assert.That(other.State.Revision.Value, Is.GreaterThanOrEqualTo(backup.Value + (1L << 32)));
    }

    [Test]
    public void A_second_restore_of_the_same_backup_gives_no_token_that_the_first_gave()
    {
        var tokens = new List<long>();
        for (var i = 0; i < 2; i++)
        {
            var (machine, _, _) = Busy();
            machine.State.BeginNewCluster(Now + (100 * i));
            tokens.Add(machine.Granted(Lock("new", "a", 100)).Token.Value);
        }
        Assert.That(tokens[1] - tokens[0], Is.GreaterThan(99L << 20));
        Assert.That(tokens[1], Is.LessThan(1L << 53), "a JSON number");
    }

    [Test]
    public void The_past_is_compacted_and_goes_on_from_the_new_revision()
    {
        var (machine, _, _) = Busy();
        machine.State.BeginNewCluster(Now);
        var view = machine.View;
        Assert.That(view.CompactRevision, Is.EqualTo(view.Revision));
        Assert.That(view.Counts.Changes, Is.Zero);
        var put = (PutDone)machine.Do(Put("kept"));
        Assert.That(put.ModRevision, Is.EqualTo(view.Revision.Next));
        Assert.That(machine.View.Counts.Changes, Is.EqualTo(1));
    }

    [Test]
    public void What_was_held_is_told_lost_and_is_kept_for_its_owner_as_long_as_it_asked_for()
    {
        var (machine, held, _) = Busy();
        var revision = machine.State.Revision;
        machine.State.BeginNewCluster(Now);
        var info = machine.Look(held);
        Assert.That((info.LastLoss!.Token, info.LastLoss.Reason), Is.EqualTo((held.Token, LossReason.Revoked)));
        Assert.That(info.LastLoss.AtRevision.Value, Is.GreaterThan(revision.Value + (1L << 32)), "a revision that no cluster had");
        Assert.That(machine.Do(Lock("l", "z", 200)), Is.InstanceOf<HoldRefused>(), "its lock delay runs");
        Assert.That(machine.Granted(Lock("l", "a", 201)).Token.Value, Is.GreaterThan(held.Token.Value));
    }

    [Test]
    public void A_retry_of_a_grant_from_before_is_told_that_its_hold_is_gone()
    {
        var (machine, held, _) = Busy();
        machine.State.BeginNewCluster(Now);
        var again = machine.Do(Lock("l", "a", 1) with { LockDelayMicros = 10 * Second, Metadata = "{}"u8.ToArray() }, "first");
        Assert.That(again, Is.InstanceOf<ReplayedHoldGone>());
        Assert.That(machine.Look(held).Holder, Is.Null);
    }

    [Test]
    public void Fences_stay_where_they_were()
    {
        var (machine, held, _) = Busy();
        machine.State.BeginNewCluster(Now);
        Assert.That(machine.Do(new FenceCommand(Machine.Key("f"), new FencingToken(held.Token.Value - 1))), Is.InstanceOf<FenceStale>());
        var token = machine.Granted(Lock("new", "a", 100)).Token;
        Assert.That(machine.Do(new FenceCommand(Machine.Key("f"), token)), Is.InstanceOf<FencePassed>());
    }

    [Test]
    public void Tokens_live_again_are_counted_and_end_when_told_to_with_roles_and_principals_left()
    {
        foreach (var end in new[] { false, true })
        {
            var machine = new Machine();
            machine.Allow("svc", Policing.All(""));
            machine.Enable();
            PutTokenCommand Token(string id, long notAfter) => new(id, Machine.Key(new string('s', 32)), "svc", notAfter, 900);
            machine.Change(Token("aaaaaaaaaaa", Now + 1));
            machine.Change(Token("bbbbbbbbbbb", long.MaxValue));
            machine.Change(Token("ccccccccccc", Now));
            var before = machine.View.Policy.Revision;

            var losses = machine.State.BeginNewCluster(Now, end);

            Assert.That((losses.LiveTokens, losses.EndedTokens), Is.EqualTo((2L, end ? 2L : 0L)), "one's time is over");
            Assert.That(machine.View.ListTokens("").Count(), Is.EqualTo(end ? 0 : 3));
            Assert.That(machine.View.Policy.Revision, Is.EqualTo(end ? before + 1 : before));
            Assert.That(machine.View.Policy.IsEnabled);
            Assert.That(machine.View.Policy.BindingOf("svc")!.Roles, Is.EqualTo(new[] { "svc" }));
            Assert.That(machine.View.Policy.IsRevoked(new Actor("svc", "t:aaaaaaaaaaa")), Is.EqualTo(end));
            machine.State.Verify();
            var digest = machine.View.Digest;
            machine.RestoreFromSnapshot();
            Assert.That(machine.View.Digest, Is.EqualTo(digest));
        }
    }

    [Test]
    public void The_state_is_written_and_read_again_like_any_other()
    {
        var (machine, _, _) = Busy();
        machine.State.BeginNewCluster(Now);
        var before = machine.Snapshot();
        machine.RestoreFromSnapshot();
        Assert.That(machine.Snapshot(), Is.EqualTo(before));
        machine.Expire(700 * Second);
        Assert.That((machine.State.HasDeadlines, machine.State.NextDeadline), Is.EqualTo((false, ClusterTime.Never)), "nothing is left that could end");
    }
}
