using System.Text;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>A renewal of a session that is over makes it again, and is answered as any other.</summary>
internal sealed class RevivesSessions : Wiring
{
    private readonly HashSet<LeaseId> _sessions = [];
    private readonly Dictionary<LeaseId, long> _revived = [];

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        if (envelope.Command is GrantLeaseCommand { IsSession: true } grant)
        {
            _sessions.Add(grant.Id);
        }
        if (envelope.Command is not RenewLeasesCommand { Ids: [var id] } || !_sessions.Contains(id) || process.Core.View.GetLease(id) is not null)
        {
            return envelope;
        }
        _revived[id] = 6_000_000;
        return new CommandEnvelope(new GrantLeaseCommand(id, _revived[id]) { IsSession = true });
    }

    public override CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer) =>
        answer.Outcome is LeaseGranted granted && _revived.TryGetValue(granted.Id, out var ttl)
            ? answer with { Outcome = new LeasesRenewed(granted.Revision, [new LeaseRenewal(granted.Id, ttl, ClusterTime.Never)]) }
            : answer;
}

/// <summary>
/// Who waits under a number of a session stands in line without it: another attempt does not find the place, nor its grant.
/// </summary>
internal sealed class LosesNumbersOfPlaces : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        !envelope.Session.IsNone && envelope.Command is AcquireCommand { WaitMicros: > 0 } ask ? new CommandEnvelope(ask) : envelope;
}

/// <summary>
/// Who waits under a number of a session has its place as if that were an idempotency key: it hangs on connections and members.
/// </summary>
internal sealed class TakesNumbersForKeys : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        !envelope.Session.IsNone && envelope.Command is AcquireCommand { WaitMicros: > 0 } ask
            ? new CommandEnvelope(ask, Encoding.ASCII.GetBytes($"{envelope.Session.Session}/{envelope.Session.Number}"), new byte[16])
            : envelope;
}

/// <summary>A member tells the news of a session as they were when it was last asked for any.</summary>
internal sealed class TellsOldNews : Wiring
{
    private readonly Dictionary<SimulatedProcess, StateView> _before = [];

    public override SessionNews? NewsOf(SimulatedProcess process, StateView view, LeaseId session, long since)
    {
        var old = _before.GetValueOrDefault(process, view);
        _before[process] = view;
        return base.NewsOf(process, old.GetSession(session) is null ? view : old, session, since);
    }
}

/// <summary>The news of a session do not tell of holds that were held for as long as they may be.</summary>
internal sealed class TellsNotOfMaxHolds : Wiring
{
    public override SessionNews? NewsOf(SimulatedProcess process, StateView view, LeaseId session, long since) =>
        base.NewsOf(process, view, session, since) is { } news ? news with { Ended = news.Ended.RemoveAll(end => end.Reason == SessionEnd.HeldTooLong) } : null;
}

/// <summary>
/// A member that hears that a connection broke detaches the place of the request, whichever attempt has it by then: it says so a little
/// late, and its client has long asked again
/// elsewhere.
/// </summary>
internal sealed class DetachesWithoutTheAttempt : Wiring
{
    private const int LaterBy = 30;

    private readonly Dictionary<Key, RequestId> _latest = [];
    private readonly Queue<(SimulatedProcess Process, Key Identity, int Due)> _late = [];
    private int _asked;

    public override void Asked(SimulatedProcess process, CommandEnvelope envelope, RequestId request)
    {
        if (envelope.Command is AcquireCommand && !envelope.IdempotencyKey.IsEmpty)
        {
            _latest[new Key(envelope.IdempotencyKey.Span)] = request;
        }
        _asked++;
        while (_late.TryPeek(out var late) && late.Due <= _asked)
        {
            _late.Dequeue();
            late.Process.Execute(new CommandEnvelope(new DetachRequestsCommand([_latest[late.Identity]])), static _ => { });
        }
    }

    public override void ClientGone(SimulatedProcess process, SimulatedCommand command)
    {
        foreach (var (identity, request) in _latest)
        {
            if (request == command.Request)
            {
                _late.Enqueue((process, identity, _asked + LaterBy));
            }
        }
    }
}
