using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Rule 22: what was released stays released, what was lost stays lost, and what was never given is neither.</summary>
public sealed class ReleasedTokenTests
{
    private static readonly TestCaseData[] Kinds =
    [
        Kind("lock", Lock("x", "h", 1)),
        Kind("shared lock", Shared("x", "h", 1)),
        Kind("semaphore", Semaphore("x", "h", 1, 1, 3)),
        Kind("election", Election("x", "h", 1, [1])),
    ];

    private static TestCaseData Kind(string name, params object[] arguments) => new TestCaseData(arguments).SetArgDisplayNames(name);

    private static AcquireCommand In(AcquireCommand ask, string name) => ask with { Name = Machine.Key(name) };

    [TestCaseSource(nameof(Kinds))]
    public void A_release_that_comes_again_after_a_thousand_others_is_a_release_and_a_loss_among_them_is_a_loss(AcquireCommand ask)
    {
        var machine = new Machine();
        var (released, lost) = (new List<Hold>(), new List<Hold>());
        for (var i = 0; i < 1_000; i++)
        {
            var hold = machine.Granted(ask);
            var isLost = i % 100 == 50;
            machine.Do(Release(hold, force: isLost));
            (isLost ? lost : released).Add(hold);

            // Of another one, in the gaps between the tokens of the first.
            machine.Do(Release(machine.Granted(In(ask, "other"))));
        }
        machine.RestoreFromSnapshot();
        var revision = machine.State.Revision;
        foreach (var hold in released)
        {
            Assert.That(machine.Do(Release(hold)), Is.InstanceOf<HoldReleased>(), $"{hold.Token}");
            Assert.That(machine.Do(Release(hold with { Name = Machine.Key("other") })), Is.InstanceOf<NotHolder>(), $"{hold.Token} was given for another one");
        }
        foreach (var hold in lost)
        {
            Assert.That(machine.Do(Release(hold)), Is.InstanceOf<NotHolder>(), $"{hold.Token}");
        }
        Assert.That(((NotHolder)machine.Do(Release(lost[^1]))).Loss!.Reason, Is.EqualTo(LossReason.Forced));
        Assert.That(machine.State.Revision, Is.EqualTo(revision));
    }

    [Test]
    public void A_release_that_comes_again_when_very_many_other_locks_were_released_is_a_release_and_a_loss_is_a_loss()
    {
        var machine = new Machine(Limits.Default with { MaxUnheldFacts = 5 });
        var (released, lost) = (machine.Granted(Lock("released", "h", 1)), machine.Granted(Lock("lost", "h", 2)));
        machine.Do(Release(released));
        machine.Do(Release(lost, force: true));
        for (var i = 0; i < 20; i++)
        {
            machine.Do(Release(machine.Granted(Lock($"other{i}", "h", 3))));
        }
        machine.State.Verify();
        machine.RestoreFromSnapshot();
        Assert.That(machine.Do(Release(released)), Is.InstanceOf<HoldReleased>());
        Assert.That(machine.Do(Release(lost)), Is.InstanceOf<NotHolder>());
    }

    [Test]
    public void Who_held_permits_for_longer_than_very_many_others_is_known_to_have_released_them()
    {
        var machine = new Machine();
        var random = new Random(14);
        var (held, released) = (new List<Hold>(), new List<Hold>());
        for (var i = 0; i < 2_000; i++)
        {
            held.Add(machine.Granted(Semaphore("s", "h", i + 1, 1, 100)));
            while (held.Count > random.Next(1, 60))
            {
                // Nearly always a new one: the old ones end long after those around them.
                var at = random.Next(10) == 0 ? 0 : held.Count - 1;
                machine.Do(Release(held[at]));
                released.Add(held[at]);
                held.RemoveAt(at);
            }
        }
        machine.RestoreFromSnapshot();
        machine.State.Verify();
        foreach (var hold in released)
        {
            Assert.That(machine.Do(Release(hold)), Is.InstanceOf<HoldReleased>(), $"{hold.Token}");
            Assert.That(machine.Release("s", hold.Token), Is.InstanceOf<NotHolder>(), "a lock of the same name is another thing");
        }
    }

    [Test]
    public void The_tokens_of_a_lock_that_is_forgotten_are_remembered_and_the_oldest_of_all_go_first()
    {
        var machine = new Machine(new Limits { MaxUnheldFacts = 1, MaxReleasedBytes = 1_300 });
        var of = new Dictionary<string, List<Hold>>();
        foreach (var name in (string[])["first", "second", "third", "fourth"])
        {
            of[name] = [.. Enumerable.Range(0, 17).Select(_ => Cycle(name))];
        }
        Assert.That(machine.View.Tables.Objects.All().Select(o => o.Key.Name.ToString()), Is.EqualTo(["fourth"]), "the others are forgotten");
        Assert.That(machine.View.Tables.Released.All().Sum(r => r.Value.Length), Is.EqualTo((3 * 16) + 2), "and of the first nothing is left");
        Assert.That(machine.Do(Release(of["first"][15])), Is.InstanceOf<NotHolder>());
        Assert.That(machine.Do(Release(of["third"][16])), Is.InstanceOf<HoldReleased>(), "which it had itself to the last");
        Assert.That(machine.Do(Release(of["second"][0])), Is.InstanceOf<HoldReleased>());
        Assert.That(machine.Do(Release(of["third"][15])), Is.InstanceOf<HoldReleased>());
        Assert.That(machine.Do(Release(of["fourth"][16])), Is.InstanceOf<HoldReleased>());

        Hold Cycle(string name)
        {
            var hold = machine.Granted(Lock(name, "h", 1));
            machine.Do(Release(hold));
            return hold;
        }
    }
}
