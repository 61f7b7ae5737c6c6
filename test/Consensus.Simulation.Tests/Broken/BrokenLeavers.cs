using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>Nobody tells a member that a client left: the place stays, and what it is granted.</summary>
internal sealed class NoticesNoClientThatLeft : Wiring
{
    private readonly HashSet<RequestId> _left = [];

    public override void ClientGone(SimulatedProcess process, SimulatedCommand command) => _left.Add(command.Request);

    public override CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer) =>
        LostAnswers.Of(answer, _left.Contains(answer.Request));
}

/// <summary>
/// A multi-lock under a key that was given up, stood in line and was granted all the same has one end, which names its first lock: where
/// that one is gone by then, the others stay with their lease.
/// </summary>
internal sealed class EndsTheFirstOfSeveral : Wiring
{
    private readonly Dictionary<RequestId, Key> _firsts = [];
    private readonly HashSet<RequestId> _left = [];

    public override void Asked(SimulatedProcess process, CommandEnvelope envelope, RequestId request)
    {
        if (envelope is { Command: AcquireManyCommand several, IdempotencyKey.IsEmpty: false })
        {
            _firsts[request] = several.Names[0];
        }
    }

    public override void ClientGone(SimulatedProcess process, SimulatedCommand command)
    {
        if (!_firsts.TryGetValue(command.Request, out var first))
        {
            base.ClientGone(process, command);
            return;
        }
        _left.Add(command.Request);
        process.Execute(new CommandEnvelope(new DetachRequestsCommand([command.Request])), static _ => { });
        process.GiveBack(ObjectName.Lock(first), command.Request, hasKey: true);
    }

    public override CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer) =>
        LostAnswers.Of(answer, answer.Outcome is ManyGranted { WaitedMicros: > 0 } && _left.Contains(answer.Request));
}

internal static class LostAnswers
{
    /// <summary>What a client is told that left before.</summary>
    public static CommandAnswer Of(CommandAnswer answer, bool isLost) =>
        isLost ? answer with { Kind = AnswerKind.Unknown, Outcome = null, Reason = NotDoneReason.Cancelled } : answer;
}
