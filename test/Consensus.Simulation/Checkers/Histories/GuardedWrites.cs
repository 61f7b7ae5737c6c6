using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// A write that is guarded by a hold took effect only while that hold was current: after its grant, before its release or loss, and before
/// the next grant of an object that one
/// alone may hold. Every grant, release, loss and write has a revision, so their order is known from the answers alone.
/// </summary>
public static class GuardedWrites
{
    public const string Name = "guarded writes";

    public static void Check(IEnumerable<Operation> operations)
    {
        var all = operations.Where(operation => operation.Status == OperationStatus.Done).ToList();
        var ends = EndsOf(all);
        var grants = SoleGrantsOf(all);
        foreach (var operation in all)
        {
            if (operation is not { Command: TxnCommand command, Outcome: TxnDone { Succeeded: true } done } || !HadEffect(done))
            {
                continue;
            }
            foreach (var guard in command.Compares.Where(c => c is { Target: CompareTarget.Hold, Operator: CompareOperator.Equal }))
            {
                var name = new ObjectName(guard.Space, guard.Name);
                var revision = done.Revision.Value;
                Violation.Unless(
                    guard.Number < revision,
                    Name,
                    () => $"{operation} wrote at revision {revision}, before its hold's grant at {guard.Number}");
                Violation.Unless(!ends.TryGetValue((name, guard.Number), out var end) || revision < end, Name, () =>
                    $"{operation} wrote at revision {revision}, and its hold of the {name} had ended at {ends[(name, guard.Number)]}");
                if (grants.TryGetValue(name, out var granted) && granted.Contains(guard.Number))
                {
                    var later = granted.GetViewBetween(guard.Number + 1, long.MaxValue);
                    Violation.Unless(later.Count == 0 || revision < later.Min, Name, () =>
                        $"{operation} wrote at revision {revision}, and the {name} had another holder since {later.Min}");
                }
            }
        }
    }

    private static bool HadEffect(TxnDone done) => done.Results.Any(result => result is TxnPutResult or TxnDeleteResult { Deleted: > 0 });

    /// <summary>
    /// By token: the revision at which a hold is known to have ended. A release tells the revision after it, with what it made others do.
    /// </summary>
    internal static Dictionary<(ObjectName Name, long Token), long> EndsOf(IEnumerable<Operation> operations)
    {
        var ends = new Dictionary<(ObjectName, long), long>();
        void End(ObjectName name, long token, long revision) =>
            ends[(name, token)] = Math.Min(revision, ends.GetValueOrDefault((name, token), long.MaxValue));

        foreach (var operation in operations)
        {
            // At the revision that the news tell of, or before.
            foreach (var (part, _) in operation.Seen?.News?.Ended.Where(ended => ended.Part.Token != FencingToken.None) ?? [])
            {
                End(part.Object, part.Token.Value, operation.Seen!.ViewRevision);
            }
            switch (operation.Outcome)
            {
                case HoldReleased released when operation.Kind == OperationKind.ReleaseHold && operation.Token > 0:
                    End(operation.Name, operation.Token, released.Revision.Value + 1);
                    break;
                case HandedOver over when operation.Kind == OperationKind.HandOver:
                    End(operation.Name, operation.Token, over.Hold.Token.Value);
                    break;
                case NotHolder { Loss: { } loss } when operation.Token > 0:
                    End(operation.Name, loss.Token.Value, loss.AtRevision.Value);
                    break;
                default:
                    break;
            }
        }
        return ends;
    }

    private static Dictionary<ObjectName, SortedSet<long>> SoleGrantsOf(List<Operation> operations)
    {
        var grants = new Dictionary<ObjectName, SortedSet<long>>();
        foreach (var hold in operations.SelectMany(operation => operation.Holds))
        {
            if (hold.Space == HoldSpace.Semaphore)
            {
                continue;
            }
            if (!grants.TryGetValue(hold.Object, out var tokens))
            {
                grants[hold.Object] = tokens = [];
            }
            if (hold.Mode == LockMode.Exclusive)
            {
                tokens.Add(hold.Token.Value);
            }
        }
        return grants;
    }
}
