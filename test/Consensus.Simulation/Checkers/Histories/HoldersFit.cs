using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// What clients believe to hold at the same time fits together: never a writer with anybody else, never more permits than the limit, one leader of each election. A client
/// believes it from the answer that says so to its own deadline: 0.99 of what its lease and <c>maxHold</c> allow since the first send, on its clock; to its own release, hand-over
/// or revocation; to the answer that it holds it no longer; or until an operator breaks the hold.
/// </summary>
public sealed class HoldersFit(ClockBounds bounds)
{
    public const string Name = "holders fit";

    /// <param name="brokenAt">True times at which holds were broken by force, or their leases revoked, by token.</param>
    public void Check(IReadOnlyList<Operation> operations, Func<int, SimulatedClock> clockOf, IReadOnlyDictionary<long, long> brokenAt)
    {
        var ends = EndsOf(operations);
        foreach (var (token, at) in brokenAt)
        {
            ends[token] = Math.Min(at, ends.GetValueOrDefault(token, long.MaxValue));
        }
        foreach (var ofObject in BeliefsOf(operations, clockOf, ends).GroupBy(belief => belief.Hold.Object))
        {
            CheckObject(ofObject.Key, [.. ofObject.OrderBy(belief => belief.From)], clockOf);
        }
    }

    /// <summary>When holds may have been broken by an operator, where only answers are known: as soon as that was asked for, if it was not before the grant.</summary>
    public static Dictionary<long, long> BrokenByForce(IReadOnlyList<Operation> operations)
    {
        var broken = new Dictionary<long, long>();
        foreach (var force in operations.Where(o => o is { Command: ReleaseHoldCommand { Force: true, Token.Value: 0 }, Status: not OperationStatus.NotDone }))
        {
            foreach (var granted in operations.Where(o => o.Outcome is HoldGranted or ManyGranted && o.InvokedAt <= force.ReturnedAt))
            {
                foreach (var hold in granted.Holds.Where(hold => hold.Object == force.Name && !(force.Outcome is HoldReleased done && done.Revision < hold.AcquiredRevision)))
                {
                    broken[hold.Token.Value] = Math.Min(force.InvokedAt, broken.GetValueOrDefault(hold.Token.Value, long.MaxValue));
                }
            }
        }
        return broken;
    }

    private void CheckObject(ObjectName name, List<Belief> beliefs, Func<int, SimulatedClock> clockOf)
    {
        var standing = new List<Belief>();
        foreach (var belief in beliefs)
        {
            standing.RemoveAll(earlier => earlier.Until <= belief.From);
            var others = standing.Where(other => other.Hold.Token != belief.Hold.Token).DistinctBy(other => other.Hold.Token).ToList();
            if (!Fits(name, belief, others))
            {
                var wereKept = others.Append(belief).All(b => bounds.WereKept(clockOf(b.Client), b.SentAt, belief.From) && bounds.WereKept(clockOf(b.Promised), b.SentAt, belief.From));
                Violation.Unless(!wereKept, Name, () =>
                    $"at {belief.From} {belief} and {string.Join(" and ", others)} believe to hold the {name}");
            }
            standing.Add(belief);
        }
    }

    private static bool Fits(ObjectName name, Belief belief, List<Belief> others) => name.Space switch
    {
        // All stood when the newest of them was granted, and when that was told again: each time within the limit that was told with it.
        HoldSpace.Semaphore => belief.Hold.Count + others.Sum(other => other.Hold.Count) <= others.Append(belief).MaxBy(b => b.Hold.Token)!.Permits,
        HoldSpace.Lock => others.Count == 0 || (belief.Hold.Mode == LockMode.Shared && others.TrueForAll(other => other.Hold.Mode == LockMode.Shared)),
        _ => others.Count == 0,
    };

    /// <summary>By token: when its client ceased to believe in it whatever its deadline.</summary>
    private static Dictionary<long, long> EndsOf(IReadOnlyList<Operation> operations)
    {
        var ends = new Dictionary<long, long>();
        foreach (var operation in operations.Where(o => o.IsOfHold && o.Token > 0))
        {
            var end = operation.Kind is OperationKind.ReleaseHold or OperationKind.HandOver ? operation.InvokedAt
                : operation.Outcome is NotHolder ? operation.ReturnedAt
                : long.MaxValue;
            ends[operation.Token] = Math.Min(end, ends.GetValueOrDefault(operation.Token, long.MaxValue));
        }
        return ends;
    }

    private static List<Belief> BeliefsOf(IReadOnlyList<Operation> operations, Func<int, SimulatedClock> clockOf, Dictionary<long, long> ends)
    {
        var promises = PromisesOf(operations);
        var revoked = operations.Where(o => o.Command is RevokeLeaseCommand)
            .GroupBy(o => ((RevokeLeaseCommand)o.Command!).Id)
            .ToDictionary(o => o.Key, o => o.Min(revocation => revocation.InvokedAt));
        var beliefs = new List<Belief>();
        foreach (var operation in operations)
        {
            var (permits, maxHold, waited) = operation.Command switch
            {
                AcquireCommand one => (PermitsOf(one, operation.Outcome), one.MaxHoldMicros, (operation.Outcome as HoldGranted)?.WaitedMicros ?? 0),
                AcquireManyCommand many => (0, many.MaxHoldMicros, (operation.Outcome as ManyGranted)?.WaitedMicros ?? 0),
                _ => (0L, 0L, 0L),
            };
            foreach (var hold in operation.Holds)
            {
                var clock = clockOf(operation.Client);
                var last = Math.Min(ends.GetValueOrDefault(hold.Token.Value, long.MaxValue), revoked.GetValueOrDefault(hold.Lease, long.MaxValue));
                if (maxHold > 0)
                {
                    last = Math.Min(last, clock.WhenShows(operation.InvokedClock + ((maxHold + waited) / 100 * 99)));
                }
                foreach (var promise in promises.GetValueOrDefault(hold.Lease) ?? [])
                {
                    var from = Math.Max(operation.ReturnedAt, promise.AnsweredAt);
                    var until = Math.Min(last, clockOf(promise.Client).WhenShows(promise.DeadlineClock));
                    if (from < until)
                    {
                        beliefs.Add(new Belief(operation.Client, promise.Client, hold, permits, Math.Min(operation.InvokedAt, promise.SentAt), from, until));
                    }
                }
            }
        }
        return beliefs;
    }

    /// <summary>The limit that was told, which an operator may have changed since it was asked with.</summary>
    private static long PermitsOf(AcquireCommand asked, Outcome? outcome) =>
        outcome is HoldGranted { Permits: > 0 } granted ? granted.Permits : asked.Permits;

    /// <summary>By lease: what its owner may count on, and since when it knows.</summary>
    private static Dictionary<LeaseId, List<LeaseSpan>> PromisesOf(IReadOnlyList<Operation> operations)
    {
        var promises = new Dictionary<LeaseId, List<LeaseSpan>>();
        foreach (var operation in operations.Where(o => o.Status == OperationStatus.Done))
        {
            foreach (var (lease, micros) in operation.Promises)
            {
                if (!promises.TryGetValue(lease, out var spans))
                {
                    promises[lease] = spans = [];
                }
                spans.Add(new LeaseSpan(
                    operation.Client, operation.InvokedAt, operation.ReturnedAt, operation.InvokedClock + (micros / 100 * 99)));
            }
        }
        return promises;
    }

    /// <param name="Client">Whose clock the deadline is by.</param>
    private readonly record struct LeaseSpan(int Client, long SentAt, long AnsweredAt, long DeadlineClock);

    /// <param name="Promised">The client that was given or renewed the lease: another one when several use it.</param>
    private sealed record Belief(int Client, int Promised, Hold Hold, long Permits, long SentAt, long From, long Until)
    {
        public override string ToString() => $"c{Client} (token {Hold.Token}, {Hold.Mode}, {Hold.Count}, until {Until})";
    }
}
