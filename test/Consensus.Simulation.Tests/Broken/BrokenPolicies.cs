using Consensus.Simulation.Nodes;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>One member remembers whom it once saw to be allowed something, and lets that through as its own.</summary>
internal sealed class RemembersRights : Wiring
{
    private const int Member = 1;

    private readonly HashSet<string> _allowed = [];

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        if (process.Node.Number != Member || envelope.Principal.Length == 0 || Accesses.Of(envelope.Command) is not { } accesses)
        {
            return envelope;
        }
        if (process.Core.View.Judge(Actor.Of(envelope.Principal), accesses.AsSpan()) is null)
        {
            _allowed.Add(envelope.Principal);
        }
        return _allowed.Contains(envelope.Principal) ? envelope with { Principal = new Actor(Actor.Local, Actor.LocalCredential).Principal } : envelope;
    }
}

/// <summary>One member refuses by what it saw first, whatever was allowed since.</summary>
internal sealed class RemembersRefusals : Wiring
{
    private const int Member = 1;

    private readonly HashSet<string> _refused = [];

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        if (process.Node.Number != Member || envelope.Principal.Length == 0 || Accesses.Of(envelope.Command) is not { } accesses)
        {
            return envelope;
        }
        if (process.Core.View.Judge(Actor.Of(envelope.Principal), accesses.AsSpan()) is not null)
        {
            _refused.Add(envelope.Principal);
        }
        return _refused.Contains(envelope.Principal) ? envelope with { Principal = "nobody" } : envelope;
    }
}
