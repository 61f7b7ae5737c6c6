using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// What the order of grants promises, by answers alone: who was told that it has a place under a number of its session is granted before
/// whoever asked for the same lock later, whatever became of its connections meanwhile, and whichever member it asked; of several locks at
/// once before them all. Of exclusive locks alone: who waits for one has no other way past. A hand-over passes by, and whose session may be
/// over for the moment may be passed.
/// </summary>
internal static class TurnsByAnswers
{
    public const string Name = GrantOrder.Name;

    /// <summary>Returns how many pairs of a place and a later request were judged.</summary>
    public static int Check(IReadOnlyList<Operation> operations)
    {
        var grants = operations.Where(IsGrantedAlone)
            .SelectMany(o => o.Holds.Select(hold => (Operation: o, Hold: hold)))
            .ToLookup(grant => grant.Hold.Object);
        var passed = operations.Where(o => o is { Command: HandOverCommand, Status: not OperationStatus.NotDone })
            .Select(o => ((HandOverCommand)o.Command!).To).ToHashSet(StringComparer.Ordinal);
        var judged = 0;
        foreach (var (placed, hold) in grants.SelectMany(ofObject => ofObject))
        {
            if (placed.Session.IsNone || placed.QueuedAt is null)
            {
                continue;
            }
            var alive = SpansOf(operations, placed.Session.Session);
            foreach (var (later, other) in grants[hold.Object].Where(grant => grant.Operation.InvokedAt > placed.QueuedAt))
            {
                // Who comes back for what it lost asks under the name of that, and may pass.
                if (later.HoldsAs != later.Owner || passed.Contains(later.Owner) || !IsCovered(alive, later.InvokedAt, later.ReturnedAt))
                {
                    continue;
                }
                judged++;
                Violation.Unless(hold.Token.Value < other.Token.Value, Name, () =>
                    $"{later} was granted {other.Token}, and before it asked, at {placed.QueuedAt}, this stood in line: {placed}");
            }
        }
        return judged;
    }

    private static bool IsGrantedAlone(Operation operation) =>
        operation is { Status: OperationStatus.Done, Outcome: HoldGranted or ManyGranted } && operation.Command switch
        {
            AcquireCommand one => one is { Space: HoldSpace.Lock, Mode: LockMode.Exclusive },
            AcquireManyCommand => true,
            _ => false,
        };

    /// <summary>When a lease certainly lived: from an answer that gave or renewed it, for as long as that promised.</summary>
    private static List<(long From, long Until)> SpansOf(IEnumerable<Operation> operations, LeaseId lease)
    {
        var promises = from operation in operations
                       where operation.Status == OperationStatus.Done
                       from promise in operation.Promises
                       where promise.Lease == lease
                       select (From: operation.ReturnedAt, Until: operation.InvokedAt + (promise.Micros / 100 * 99));
        return [.. promises.Order()];
    }

    private static bool IsCovered(List<(long From, long Until)> spans, long from, long until)
    {
        foreach (var span in spans)
        {
            if (span.From <= from && span.Until > from)
            {
                from = span.Until;
            }
        }
        return from > until;
    }
}
