using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// Once a request was withdrawn nothing is held or waited for under it, and no attempt of it has an effect any more: of one that had none by then, for as long as an attempt can be
/// under way. What had an effect of another kind is said to have had one.
/// </summary>
/// <param name="limits">Those that members are to have.</param>
internal sealed class Withdrawals(Limits limits)
{
    public const string Name = "withdrawn";

    /// <summary>Withdrawn ones, and when it was last told; <see cref="ClusterTime.Never"/> for those that had an effect, which is remembered for longer.</summary>
    private readonly Dictionary<Operation, ClusterTime> _withdrawn = [];

    /// <summary>What operations were granted: tokens of holds, and leases.</summary>
    private readonly Dictionary<Operation, List<(ObjectName Name, FencingToken Token)>> _holds = [];
    private readonly Dictionary<Operation, LeaseId> _leases = [];
    private readonly HashSet<Operation> _had = [];

    /// <summary>The log came to this for an attempt of the operation, which has an identity.</summary>
    /// <param name="isChanged">The entry changed something that has a revision, or a fence; true for those that had waited.</param>
    public void Resolved(Operation operation, Outcome outcome, bool isChanged, ClusterTime stamp)
    {
        if (_withdrawn.TryGetValue(operation, out var told))
        {
            if (outcome is RequestWithdrawn)
            {
                _withdrawn[operation] = told == ClusterTime.Never ? told : stamp;
                return;
            }
            var isOver = told != ClusterTime.Never && stamp - told > limits.BriefKeepMicros;
            Violation.Unless(isOver || outcome is RetryTooLate, Name, () => $"{operation} was withdrawn, and came to {OutcomeText.Of(outcome)} at {stamp}");
            _withdrawn.Remove(operation);
        }
        switch (outcome)
        {
            case HoldGranted granted:
                Grant(operation, granted.Hold);
                break;
            case ManyGranted many:
                foreach (var hold in many.Holds)
                {
                    Grant(operation, hold);
                }
                break;
            case LeaseGranted lease:
                _leases[operation] = lease.Id;
                break;
            default:
                if (!FinalAnswers.IsRenewal(operation) && FinalAnswers.HasEffect(outcome, isChanged))
                {
                    _had.Add(operation);
                }
                break;
        }
    }

    /// <summary>The log withdrew an operation.</summary>
    /// <param name="outcome">Of the withdrawal.</param>
    /// <param name="after">The state after it.</param>
    public void Withdrawn(Operation operation, Outcome outcome, StateView after)
    {
        if (outcome is not Withdrawn withdrawn)
        {
            Violation.Unless(outcome is RetryTooLate, Name, () => $"the withdrawal of {operation} was answered {outcome}");
            return;
        }
        var (granted, had) = (_holds.ContainsKey(operation) || _leases.ContainsKey(operation), _had.Contains(operation));
        var fits = withdrawn.Result switch
        {
            WithdrawResult.Released => granted,
            WithdrawResult.Done => !granted,
            _ => !granted && !had,
        };
        Violation.Unless(fits, Name, () => $"the withdrawal of {operation} was answered {withdrawn}; it had {(granted ? "been granted something" : had ? "an effect" : "no effect")}");
        foreach (var (name, token) in _holds.GetValueOrDefault(operation) ?? [])
        {
            Violation.Unless(after.GetObject(name).Holders.All(hold => hold.Token != token), Name, () =>
                $"{operation} was withdrawn, and its hold {token} of the {name} still stands");
        }
        Violation.Unless(!_leases.TryGetValue(operation, out var lease) || after.GetLease(lease) is null, Name, () => $"{operation} was withdrawn, and its lease {lease} still lives");
        var place = PlaceOf(operation);
        var waits = place is { } of && operation.HoldsAs == operation.Owner && after.GetObject(of).Waiters.Any(waiter => waiter.Owner == operation.Owner);
        Violation.Unless(!waits, Name, () => $"{operation} was withdrawn, and still waits");
        if (withdrawn.Result != WithdrawResult.Done)
        {
            _withdrawn[operation] = granted ? ClusterTime.Never : after.AppliedStamp;
        }
    }

    /// <summary>The same by answers alone, where nobody sees the log.</summary>
    /// <param name="operations">All that was asked.</param>
    /// <param name="withEffect">Those under which something is known to have been written.</param>
    public static void CheckAnswers(IReadOnlyList<Operation> operations, IReadOnlySet<Operation> withEffect)
    {
        var looks = Look.Of(operations).ToLookup(look => look.Owner, StringComparer.Ordinal);
        foreach (var withdrawal in operations.Where(o => o is { Withdraws: not null, Status: OperationStatus.Done }))
        {
            var operation = withdrawal.Withdraws!;
            if (withdrawal.Outcome is not Withdrawn withdrawn)
            {
                Violation.Unless(withdrawal.Outcome is RetryTooLate, Name, () => $"{withdrawal} took back {operation}");
                continue;
            }
            var grants = operation.HoldsAs is not null || operation.Command is GrantLeaseCommand;
            var fits = withdrawn.Result switch
            {
                WithdrawResult.Released => grants,
                WithdrawResult.Done => !grants,
                _ => !withEffect.Contains(operation),
            };
            Violation.Unless(fits, Name, () => $"{withdrawal} took back {operation}{(withEffect.Contains(operation) ? ", which had an effect" : "")}");
            if (withdrawn.Result == WithdrawResult.Done)
            {
                continue;
            }
            // What a wait came to is told to whoever asks its member next: in vain, and before it was taken back.
            bool MayBeTold(Outcome told) => told is RequestWithdrawn or RetryTooLate || (operation.WaitMicros > 0 && told is HoldRefused);
            Violation.Unless(operation.ToldAgain.TrueForAll(MayBeTold), Name, () =>
                $"{withdrawal} took back {operation}; afterwards it was answered {string.Join(", ", operation.ToldAgain.Select(OutcomeText.Of))}");
            // Under the name of another operation it takes back what that one lost: then who is seen may be either.
            foreach (var look in operation.HoldsAs == operation.Owner ? looks[operation.Owner] : [])
            {
                var isLater = look.By.InvokedAt >= withdrawal.ReturnedAt || (!look.Waits && look.Revision > withdrawn.Revision.Value);
                Violation.Unless(!isLater, Name, () => $"{withdrawal} took back {operation}, which is seen by {look.By}");
            }
        }
    }

    private static ObjectName? PlaceOf(Operation operation) => operation.Kind switch
    {
        OperationKind.Acquire => ObjectName.Lock(operation.Key),
        OperationKind.AcquireHold => operation.Name,
        _ => null,
    };

    private void Grant(Operation operation, Hold hold)
    {
        if (!_holds.TryGetValue(operation, out var holds))
        {
            _holds[operation] = holds = [];
        }
        holds.Add((hold.Object, hold.Token));
    }
}
