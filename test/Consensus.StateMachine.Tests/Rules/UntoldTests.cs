using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>What a refusal does not tell whoever may not read.</summary>
internal sealed class UntoldTests : PolicedTest
{
    [Test]
    public void Who_holds_it_is_told_to_who_may_read_it_or_is_the_holders_own()
    {
        const Spaces Held = Spaces.Locks | Spaces.Semaphores | Spaces.Elections;
        Subject.Allow("a", All(""));
        Subject.Allow("h", Prefix(Verbs.Hold, Held, ""));
        Subject.Allow("r", Prefix(Verbs.Hold | Verbs.Read, Held, ""));
        AcquireCommand[] asks =
        [
            Lock("x", "o", 11), Semaphore("x", "o", 12, 1, 1), Election("x", "o", 13, []),
        ];
        foreach (var ask in asks)
        {
            var hold = Granted(ask, "a");
            AcquireCommand Again(long lease, long wait = 0) => ask with { Owner = "p", OwnLease = new LeaseId(lease), WaitMicros = wait };
            void Told(Outcome outcome, bool isTold)
            {
                var refused = (HoldRefused)outcome;
                Assert.That((refused.Holder?.Token, refused.IsUntold), Is.EqualTo((isTold ? hold.Token : default(FencingToken?), !isTold)),
                    $"{ask.Object}");
            }
            Told(Done<HoldRefused>(Again(21), "h", $"k{ask.Space}"), false);
            Told(Done<HoldRefused>(Again(21), "r"), true);
            Told(Done<HoldRefused>(Again(21), "a"), true);
            var (untold, told) = (Waits(Again(22, Second), "h"), Waits(Again(23, Second), "r"));
            Subject.Expire(2 * Second);
            Told(Subject.OutcomesOf(untold).Last(), false);
            Told(Subject.OutcomesOf(told).Last(), true);
            Subject.RestoreFromSnapshot();
            Told(Done<HoldRefused>(Again(21), "h", $"k{ask.Space}"), false);
        }
        Assert.That(Done<HoldRefused>(Many("p", 24, "w", "x"), "h").IsUntold);
        Assert.That(Done<HoldRefused>(Many("p", 24, "w", "x"), "r").Holder, Is.Not.Null);
    }

    [Test]
    public void What_became_of_anothers_token_is_not_told_to_who_may_not_read_it()
    {
        Subject.Allow("h", Prefix(Verbs.Hold, Spaces.Locks, ""));
        Subject.Allow("r", Prefix(Verbs.Hold | Verbs.Read, Spaces.Locks, ""));
        var lost = Granted(Lock("shared/x", "o", 5), "a");
        Done<HoldReleased>(Release(lost, force: true), Local);
        var present = Granted(Lock("shared/x", "o", 6), "b");
        foreach (var guess in new Command[] { Renew(lost), Release(lost), HandOver(lost, "w") })
        {
            var told = Done<NotHolder>(guess, "r");
            Assert.That((told.Loss?.Token, told.Current?.Token, told.IsUntold),
                Is.EqualTo(((FencingToken?)lost.Token, (FencingToken?)present.Token, false)));
            var own = Done<NotHolder>(guess, "a");
            Assert.That((own.Loss?.Token, own.Current, own.IsUntold), Is.EqualTo(((FencingToken?)lost.Token, (Hold?)null, true)));
            var untold = Done<NotHolder>(guess, "h", $"k{guess.GetType().Name}");
            Assert.That((untold.Loss, untold.Current, untold.IsUntold), Is.EqualTo(((HoldLoss?)null, (Hold?)null, true)));
        }
        Subject.RestoreFromSnapshot();
        Assert.That(Done<NotHolder>(Release(lost), "a").Loss?.Token, Is.EqualTo(lost.Token));
        Assert.That(Done<NotHolder>(Release(lost), "h", $"k{nameof(ReleaseHoldCommand)}").IsUntold);
    }

    [Test]
    public void A_fence_tells_its_highest_token_and_of_what_a_token_is_to_who_may_read_that()
    {
        Subject.Allow("w", Prefix(Verbs.Write, Spaces.Fences, ""));
        Subject.Allow("r", Prefix(Verbs.Write | Verbs.Read, Spaces.Fences, ""), Prefix(Verbs.Read, Spaces.Locks, ""));
        var old = Granted(Lock("a/x", "o", 5), "a");
        var shared = Granted(Shared("a/y", "o", 6), "a");
        var newest = Granted(Lock("a/z", "o", 7), "a");
        Done<FencePassed>(new FenceCommand(Machine.Key("a"), newest.Token), "a");
        var stale = new FenceCommand(Machine.Key("a"), old.Token);
        var mixed = new FenceCommand(Machine.Key("a"), shared.Token);
        var revision = Subject.State.Revision;
        foreach (var restored in new[] { false, true })
        {
            Assert.That(Done<FenceStale>(stale, "w", "k"), Is.EqualTo(new FenceStale(revision, FencingToken.None) { IsUntold = true }));
            Assert.That(
                Done<TokenNotExclusive>(mixed, "w", "m"),
                Is.EqualTo(new TokenNotExclusive(revision, ObjectName.Lock(default)) { IsUntold = true }));
            Subject.RestoreFromSnapshot();
        }
        Assert.That(Done<FenceStale>(stale, "r").Highest, Is.EqualTo(newest.Token));
        Assert.That(Done<TokenNotExclusive>(mixed, "r").Object, Is.EqualTo(shared.Object));
        Subject.Change(new PutRoleCommand("a", [Prefix(Verbs.Write, Spaces.Fences, "")]));
        Assert.That(Done<TokenNotExclusive>(mixed, "a").Object, Is.EqualTo(shared.Object), "one's own");
    }

    [Test]
    public void A_condition_tells_nothing_of_a_key_that_may_not_be_read()
    {
        Subject.Allow("w", Rule(Verbs.Write, Spaces.Keys, "a"));
        var absent = new KeyCondition(KeyConditionKind.Absent);
        var guess = new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(1));
        var whenMissing = Done<ConditionFailed>(Put("a", condition: guess), "w", "r1");
        var revision = Done<PutDone>(Put("a"), "a").ModRevision;
        var whenThere = Done<ConditionFailed>(Put("a", condition: guess), "w");
        Assert.That(
            (whenMissing.IsUntold, whenMissing.CurrentModRevision),
            Is.EqualTo((whenThere.IsUntold, whenThere.CurrentModRevision)).And.EqualTo((true, Revision.Zero)));
        Assert.That(Done<ConditionFailed>(new DeleteCommand(Machine.Key("a"), guess), "w").IsUntold);
        Assert.That(Done<ConditionFailed>(Put("a", condition: absent), "a"), Is.EqualTo(new ConditionFailed(revision, revision)));
        Subject.RestoreFromSnapshot();
        Assert.That(Done<ConditionFailed>(Put("a", condition: guess), "w", "r1").IsUntold, "and no more when it is told again");
    }
}
