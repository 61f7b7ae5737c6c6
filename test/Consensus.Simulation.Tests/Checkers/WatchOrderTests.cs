using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;
using static Consensus.Simulation.Tests.Checkers.Histories;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>What a watch may be told, and what not.</summary>
public sealed class WatchOrderTests
{
    private static readonly WatchTarget Everything = new(WatchKind.Prefix, default, WithPrevious: false);
    private static readonly KeyChange[] Log = [Put("a", 2), Put("b", 3), Put("a", 4), Put("c", 4), Put("a", 6)];

    private static KeyChange Put(string key, long revision) => new(
        new Revision(revision),
        Key.FromText(key),
        null,
        new KeyRecord(new byte[] { 65 }, new Revision(revision), new Revision(revision), 1, LeaseId.None));

    private static WatchOrder Applied(long compacted = 0)
    {
        var order = new WatchOrder();
        order.Applied(Log, new Revision(7), new Revision(compacted));
        return order;
    }

    private static WatchOrder.Session Open(WatchOrder order, long from, WatchTarget? target = null) =>
        order.Opened("a watch", target ?? Everything, new Revision(from), order.Revision, order.Revision);

    private static void Tell(WatchOrder.Session session, params long[] revisions)
    {
        foreach (var revision in revisions)
        {
            session.Told(new Revision(revision), WatchText.Of(Log.Where(change => change.Revision.Value == revision), withPrevious: false));
        }
    }

    [Test]
    public void All_changes_from_where_a_watch_begins_are_what_it_is_to_be_told()
    {
        var all = Open(Applied(), 1);
        Tell(all, 2, 3, 4);
        Assert.That(all.IsComplete, Is.False);
        Tell(all, 6);
        Assert.That(all.IsComplete, Is.True);
        var ofOne = Open(Applied(), 3, new WatchTarget(WatchKind.Key, Key.FromText("b"), false));
        Tell(ofOne, 3);
        Assert.That(ofOne.IsComplete, Is.True);
        Assert.That(Open(Applied(), 8).IsComplete, Is.True);
    }

    [Test]
    [SeenBy(WatchOrder.Name)]
    public void A_gap_a_duplicate_and_another_order_are_seen()
    {
        Breaks(WatchOrder.Name, () => Tell(Open(Applied(), 1), 2, 4));
        Breaks(WatchOrder.Name, () => Tell(Open(Applied(), 3), 4));
        Breaks(WatchOrder.Name, () => Tell(Open(Applied(), 1), 2, 2));
        Breaks(WatchOrder.Name, () => Tell(Open(Applied(), 3), 2));
        Breaks(WatchOrder.Name, () => Tell(Open(Applied(), 1), 3, 2));
    }

    [Test]
    [SeenBy(WatchOrder.Name)]
    public void A_silent_watch_that_may_go_on_behind_what_it_was_not_told_is_seen()
    {
        var session = Open(Applied(), 1);
        session.PassedOver(new Revision(1));
        Tell(session, 2);
        session.PassedOver(new Revision(2));
        Breaks(WatchOrder.Name, () => session.PassedOver(new Revision(3)));
    }

    [Test]
    [SeenBy(WatchOrder.Name)]
    public void Half_a_revision_another_content_and_what_nobody_did_are_seen()
    {
        Breaks(WatchOrder.Name, () => Open(Applied(), 4).Told(new Revision(4), WatchText.Of([Log[2]], withPrevious: false)));
        Breaks(WatchOrder.Name, () => Open(Applied(), 2).Told(new Revision(2), WatchText.Of([Log[1]], withPrevious: false)));
        Breaks(WatchOrder.Name, () => Open(Applied(), 7).Told(new Revision(8), WatchText.Of([Put("a", 8)], withPrevious: false)));
    }

    [Test]
    [SeenBy(WatchOrder.Name)]
    public void What_is_called_forgotten_and_is_not_is_seen()
    {
        Applied(compacted: 3).Compacted("a watch", new Revision(3), new Revision(3));
        Breaks(WatchOrder.Name, () => Applied(compacted: 3).Compacted("a watch", new Revision(4), new Revision(3)));
        Breaks(WatchOrder.Name, () => Applied(compacted: 3).Compacted("a watch", new Revision(4), new Revision(4)));
    }

    [Test]
    [SeenBy(WatchOrder.Name)]
    public void A_watch_that_was_opened_on_an_old_state_or_refused_as_one_of_the_future_is_seen()
    {
        var order = Applied();
        order.Opened("a watch", Everything, new Revision(7), new Revision(6), new Revision(6));
        Breaks(WatchOrder.Name, () => order.Opened("a watch", Everything, new Revision(7), new Revision(6), new Revision(7)));
        Breaks(WatchOrder.Name, () => WatchOrder.InTheFuture("a watch", new Revision(7), new Revision(5)));
    }
}
