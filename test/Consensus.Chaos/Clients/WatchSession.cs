using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>One stream of a watch, from its opening to its end: what its client was told, to be judged once everything is known.</summary>
/// <param name="who">For whoever reads a failure.</param>
/// <param name="target">What it watches.</param>
/// <param name="from">The first revision that it tells of.</param>
/// <param name="view">The revision on which that was judged.</param>
/// <param name="whenAsked">The newest that anybody knew of before it was asked for.</param>
internal sealed class WatchSession(string who, WatchTarget target, Revision from, Revision view, Revision whenAsked)
{
    private readonly List<Action<WatchOrder, WatchOrder.Session, Chronicle>> _events = [];

    /// <summary>Messages with something in them.</summary>
    public long Messages { get; private set; }

    public bool IsCompacted { get; private set; }

    /// <summary>It goes on where one before it was cut off.</summary>
    public bool IsResumed { get; init; }

    /// <summary>A watch of an election that begins anew is told who leads.</summary>
    public void Present(Revision revision, Hold? leader) => _events.Add((_, _, chronicle) =>
    {
        if (revision <= chronicle.Last)
        {
            chronicle.CheckPresent(who, target.Name, revision, leader);
        }
    });

    /// <summary>What comes after the last that the watch of everything was told is not judged: when all is over the leases of the last leaders still end.</summary>
    public void Told(Revision revision, IEnumerable<Change> changes)
    {
        Messages++;
        var text = WatchText.Of(changes, target.WithPrevious);
        _events.Add((_, session, chronicle) =>
        {
            if (revision <= chronicle.Last)
            {
                session.Told(revision, text);
            }
        });
    }

    public void PassedOver(Revision upTo) => _events.Add((_, session, chronicle) => session.PassedOver(upTo < chronicle.Last ? upTo : chronicle.Last));

    /// <param name="next">What was to come next.</param>
    public void Compacted(Revision next, Revision compactRevision)
    {
        IsCompacted = true;
        _events.Add((order, _, _) => order.Compacted(who, next, compactRevision));
    }

    public void Check(WatchOrder order, Chronicle chronicle)
    {
        var session = order.Opened(who, target, from, view, whenAsked);
        foreach (var one in _events)
        {
            one(order, session, chronicle);
        }
    }
}
