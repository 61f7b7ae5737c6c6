using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// A place in line is detached, or given up for its connection, only with the attempt that has it then: one whose client left, that its
/// member answered, or whose process ended, stops or was lost. What is said of
/// an earlier attempt, however late, touches no later one (rule 18). Where a process is lost its waiters may be detached by one entry or by
/// several: from the first of these on nobody of them is granted anything, but under a session.
/// </summary>
/// <param name="isOver">True when nobody waits for an attempt any more.</param>
internal sealed class Detachments(Func<RequestId, bool> isOver)
{
    public const string Name = "detached with its attempt";

    /// <summary>The attempt that has each place; no operation where two of one owner wait, or where it is not known.</summary>
    private readonly Dictionary<(ObjectName Name, string Owner), (Operation? Asked, RequestId Request)> _attempts = [];

    /// <summary>Places whose attempt was lost with its process.</summary>
    private readonly HashSet<(ObjectName Name, string Owner)> _lost = [];

    public void Saw(AppliedEntry entry, HoldStep step)
    {
        AskedAnew(entry.Command);
        foreach (var hold in step.Begun)
        {
            Violation.Unless(!_lost.Contains((step.Name, hold.Owner)), Name, () =>
                $"{entry} granted {hold}, for which nobody waits: its process was lost before");
        }
        Lose(entry, step);
        foreach (var waiter in step.Before.Waiters)
        {
            var place = (step.Name, waiter.Owner);
            var isKnown = _attempts.TryGetValue(place, out var attempt) && attempt.Asked is not null;
            if (!waiter.Detached && isKnown && IsLetGo(entry, step, waiter.Owner))
            {
                var isConcerned = Concerns(entry.Command, attempt.Request) || (entry.Command is ExpireCommand && _lost.Contains(place));
                Violation.Unless(isConcerned, Name, () =>
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

    /// <summary>Whatever is granted to the owner from then on may be for the new attempt.</summary>
    private void AskedAnew(Command command)
    {
        var owner = (command as AcquireCommand)?.Owner ?? (command as AcquireManyCommand)?.Owner;
        _lost.RemoveWhere(place => place.Owner == owner);
    }

    private void Lose(AppliedEntry entry, HoldStep step)
    {
        var isLoss = entry.Command is DetachWaitersCommand or ForgetMemberCommand
            || (entry.Command is AnnounceMemberCommand started
                && entry.Before.ListMembers().Any(known => known.Id == started.Member && known.Boot != started.Boot));
        if (!isLoss)
        {
            return;
        }
        foreach (var waiter in step.Before.Waiters)
        {
            var place = (step.Name, waiter.Owner);
            var isUnderKey = _attempts.TryGetValue(place, out var attempt) && attempt.Asked is { Session.IsNone: true };
            if (isUnderKey && Concerns(entry.Command, attempt.Request))
            {
                _lost.Add(place);
            }
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
