using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>One member judges by the number of leases that it was started with, and not by what is in force.</summary>
internal sealed class JudgesByItsStartOption : Wiring
{
    private const int Member = 1;

    private readonly HashSet<RequestId> _refused = [];
    private bool _refuses;

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        _refuses = process.Node.Number == Member && envelope.Command is GrantLeaseCommand && process.Core.View.Counts.Leases >= StartedWith(process);
        return _refuses ? new CommandEnvelope(new RenewLeasesCommand([])) : envelope;
    }

    public override void Asked(SimulatedProcess process, CommandEnvelope envelope, RequestId request)
    {
        if (_refuses)
        {
            _refused.Add(request);
        }
    }

    public override CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer) => answer.Outcome is { } outcome && _refused.Contains(answer.Request)
        ? answer with { Outcome = new BoundReached(outcome.Revision, BoundKind.Leases, StartedWith(process)) }
        : answer;

    private static long StartedWith(SimulatedProcess process) => process.Planned.InitialSettings[0].Value;
}

/// <summary>A semaphore is given one permit more than was asked.</summary>
internal sealed class GivesOnePermitMore : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is ChangePermitsCommand change ? envelope with { Command = change with { Permits = change.Permits + 1 } } : envelope;
}

/// <summary>A limit below what is out is made to fit: holds are broken for it.</summary>
internal sealed class TakesPermitsFromHolders : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        if (envelope.Command is ChangePermitsCommand change && process.Core.View.GetObject(ObjectName.Semaphore(change.Name)).PermitsUsed > change.Permits)
        {
            process.Execute(
                new CommandEnvelope(new ReleaseHoldCommand(change.Name, default, Force: true) { Space = HoldSpace.Semaphore }),
                static _ => { });
        }
        return envelope;
    }
}

/// <summary>Once somebody was granted an object, nothing of it is kept any more for those who lost it before.</summary>
internal sealed class EndsDelaysWithAnyGrant : Wiring
{
    private readonly Dictionary<ObjectName, FencingToken> _granted = [];

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        if (envelope.Command is AcquireCommand ask
            && process.Core.View.GetObject(ask.Object) is { HolderCount: 0, Delays: [var delay, ..] }
            && _granted.GetValueOrDefault(ask.Object).Value > delay.Token.Value)
        {
            process.Execute(
                new CommandEnvelope(new ReleaseHoldCommand(ask.Name, default, Force: true) { Space = ask.Space }), static _ => { });
        }
        return envelope;
    }

    public override CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer)
    {
        if (answer.Outcome is HoldGranted granted)
        {
            _granted[granted.Hold.Object] = granted.Hold.Token;
        }
        return answer;
    }
}
