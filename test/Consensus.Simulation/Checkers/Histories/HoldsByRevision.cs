using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// No two holds stand together that may not, by revisions in answers alone and so without a clock: a hold begins at its token, stands at each revision at which it was renewed,
/// guarded a write or was seen, and is over from the revision on that tells its end. Whoever was refused, or was told that nothing was done, holds nothing.
/// </summary>
internal static class HoldsByRevision
{
    public const string Name = "holds by revision";

    public static void Check(IReadOnlyList<Operation> operations)
    {
        var done = operations.Where(operation => operation.Status == OperationStatus.Done).ToList();
        var ends = GuardedWrites.EndsOf(done);
        var stood = StoodUntil(done);
        var changed = operations.Where(operation => operation.Command is ChangePermitsCommand).Select(operation => operation.Name).ToHashSet();
        var holds = new Dictionary<(ObjectName Name, long Token), (Hold Hold, long Permits)>();
        foreach (var operation in done)
        {
            CheckMany(operation);
            CheckSeen(operation);
            foreach (var hold in operation.Holds)
            {
                holds[(hold.Object, hold.Token.Value)] = (hold, changed.Contains(hold.Object) ? PermitsAtGrant(operation) : (operation.Command as AcquireCommand)?.Permits ?? 0);
            }
        }
        foreach (var ((name, token), revision) in stood)
        {
            Violation.Unless(!ends.TryGetValue((name, token), out var end) || revision < end, Name, () =>
                $"the hold {token} of the {name} stood at revision {revision}, and had ended at {ends[(name, token)]}");
        }
        foreach (var ofObject in holds.Values.GroupBy(hold => hold.Hold.Object))
        {
            CheckObject(ofObject.Key, [.. ofObject.OrderBy(hold => hold.Hold.Token)], stood);
        }
        CheckRefused(operations);
    }

    /// <summary>
    /// Where operators change the limit it is told with the grant; whoever is told of that again, is told the present one.
    /// </summary>
    private static long PermitsAtGrant(Operation operation) =>
        operation is { Attempts: <= 1, Outcome: HoldGranted granted } ? granted.Permits : long.MaxValue;

    private static void CheckObject(ObjectName name, List<(Hold Hold, long Permits)> holds, Dictionary<(ObjectName, long), long> stood)
    {
        var standing = new List<Hold>();
        foreach (var (hold, permits) in holds)
        {
            standing.RemoveAll(other => stood.GetValueOrDefault((name, other.Token.Value)) < hold.Token.Value);
            standing.Add(hold);
            Violation.Unless(Fit(name, standing, permits), Name, () =>
                $"at revision {hold.Token} the {name} is held by {string.Join(" and ", standing)}{(permits > 0 ? $", and has {permits} permits" : "")}");
        }
    }

    private static bool Fit(ObjectName name, IReadOnlyCollection<Hold> holds, long permits) => name.Space switch
    {
        HoldSpace.Semaphore => holds.Sum(hold => hold.Count) <= permits,
        HoldSpace.Lock => holds.Count <= 1 || holds.All(hold => hold.Mode == LockMode.Shared),
        _ => holds.Count <= 1,
    };

    /// <summary>By token: the last revision at which it is known to stand.</summary>
    private static Dictionary<(ObjectName Name, long Token), long> StoodUntil(List<Operation> done)
    {
        var stood = new Dictionary<(ObjectName, long), long>();
        void Stands(ObjectName name, long token, long revision) => stood[(name, token)] = Math.Max(revision, stood.GetValueOrDefault((name, token)));

        foreach (var operation in done)
        {
            foreach (var hold in operation.Holds)
            {
                Stands(hold.Object, hold.Token.Value, hold.Token.Value);
            }
            foreach (var hold in operation.IsOfHold ? operation.Seen?.Holders ?? [] : [])
            {
                Stands(operation.Name, hold.Token.Value, operation.Seen!.ViewRevision);
            }
            foreach (var part in operation.Seen?.News?.Began.Where(part => part.Token != FencingToken.None) ?? [])
            {
                Stands(part.Object, part.Token.Value, operation.Seen!.ViewRevision);
            }
            switch (operation.Outcome)
            {
                // A renewal that proclaims is kept, and told again later as it was.
                case HoldRenewed renewed when operation is { Kind: OperationKind.RenewHold, Attempts: <= 1 }:
                    Stands(operation.Name, operation.Token, renewed.Revision.Value);
                    break;
                case TxnDone { Succeeded: true } txn when operation.Command is TxnCommand command:
                    var wrote = txn.Results.Any(result => result is TxnPutResult or TxnDeleteResult { Deleted: > 0 });
                    foreach (var guard in command.Compares.Where(compare => compare is { Target: CompareTarget.Hold, Operator: CompareOperator.Equal }))
                    {
                        Stands(new ObjectName(guard.Space, guard.Name), guard.Number, txn.Revision.Value - (wrote ? 1 : 0));
                    }
                    break;
                default:
                    break;
            }
        }
        return stood;
    }

    /// <summary>All that were asked for, in their order, each with a token of its own.</summary>
    private static void CheckMany(Operation operation)
    {
        if (operation is { Outcome: ManyGranted many, Command: AcquireManyCommand command })
        {
            Violation.Unless(
                many.Holds.Select(hold => hold.Name).SequenceEqual(command.Names) && many.Holds.DistinctBy(hold => hold.Token).Count() == many.Holds.Length,
                Name,
                () => $"{operation} was granted {string.Join(" and ", many.Holds)}");
        }
    }

    private static void CheckSeen(Operation read) =>
        Violation.Unless(read.Seen?.Holders is not { } holders || Fit(read.Name, holders, read.Seen.Permits), Name, () =>
            $"{read} saw it held by {string.Join(" and ", read.Seen!.Holders!)}");

    private static void CheckRefused(IReadOnlyList<Operation> operations)
    {
        var seen = Look.Of(operations).Where(look => !look.Waits).ToLookup(look => look.Owner, StringComparer.Ordinal);
        foreach (var operation in operations.Where(o => o.HoldsAs == o.Owner && !o.HadUnknownAttempt))
        {
            var isRefused = operation.Status == OperationStatus.NotDone
                || (operation.Status == OperationStatus.Done && operation.Outcome is HoldRefused or PermitsMismatch or LeaseMissing);
            Violation.Unless(!isRefused || !seen.Contains(operation.Owner), Name, () => $"{operation} holds what it asked for: so {seen[operation.Owner].First().By} saw");
        }
    }
}
