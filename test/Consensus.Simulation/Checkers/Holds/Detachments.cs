using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// A place in line is detached, or given up for its connection, only with the attempt that has it then: one whose client left, that its
/// member answered, or whose process ended, stops or was lost. What is said of
/// an earlier attempt, however late, touches no later one (rule 18).
/// </summary>
/// <param name="isOver">True when nobody waits for an attempt any more.</param>
internal sealed class Detachments(Func<RequestId, bool> isOver)
{
    public const string Name = "detached with its attempt";

    /// <summary>The attempt that has each place; no operation where two of one owner wait, or where it is not known.</summary>
    private readonly Dictionary<(ObjectName Name, string Owner), (Operation? Asked, RequestId Request)> _attempts = [];

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        foreach (var waiter in step.Before.Waiters)
        {
            if (!waiter.Detached && _attempts.TryGetValue((step.Name, waiter.Owner), out var attempt) && attempt.Asked is not null && IsLetGo(entry, step, waiter.Owner))
            {
                Violation.Unless(Concerns(entry.Command, attempt.Request), Name, () =>
                    $"{entry} let go of {waiter}, whose attempt {attempt.Request} of {attempt.Asked} {(isOver(attempt.Request) ? "is over" : "is connected")}");
            }
        }
        if (entry is { Command: AcquireCommand ask, Outcome: HoldQueued } && ask.Object == step.Name)
        {
            var place = (step.Name, ask.Owner);
            var isAnother = step.Before.Waiters.Any(waiter => waiter.Owner == ask.Owner) && _attempts.TryGetValue(place, out var had) && had.Asked != entry.Asked;
            _attempts[place] = isAnother ? default : (entry.Asked, entry.Request);
        }
    }

    private static bool IsLetGo(AppliedEntry entry, HoldStep step, string owner)
    {
        var after = step.After.Waiters.FirstOrDefault(waiter => waiter.Owner == owner);
        return after?.Detached
            ?? (entry.Command is CancelWaitCommand or DetachRequestsCommand or DetachWaitersCommand or AnnounceMemberCommand or ForgetMemberCommand
                && step.Begun.All(hold => hold.Owner != owner));
    }

    private bool Concerns(Command command, RequestId attempt) => command switch
    {
        DetachRequestsCommand detach => detach.Requests.Contains(attempt) && isOver(attempt),
        CancelWaitCommand cancel => cancel.Request == attempt && isOver(attempt),
        DetachWaitersCommand lost => lost.Member == attempt.Member && lost.Boot == attempt.Boot,
        AnnounceMemberCommand started => started.Member == attempt.Member && started.Boot != attempt.Boot,
        ForgetMemberCommand removed => removed.Member == attempt.Member,
        _ => false,
    };
}
