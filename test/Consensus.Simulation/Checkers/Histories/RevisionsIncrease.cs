using Consensus.Simulation.Clients;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// What was answered stays: a linearizable answer never comes from a revision before one that was answered earlier; so an acknowledged write that is lost shows. A stale
/// read is never from the future, and sees only what somebody wrote.
/// </summary>
public static class RevisionsIncrease
{
    public const string Name = "acknowledged writes";

    public static void Check(IReadOnlyList<Operation> operations)
    {
        var written = operations.Where(o => o.Kind == OperationKind.Put).ToDictionary(o => (o.Object, o.Value));
        var done = operations.Where(o => o.Status == OperationStatus.Done).ToList();
        var answered = done.Where(o => o.Kind != OperationKind.StaleRead).OrderBy(o => o.ReturnedAt).ToList();
        var highest = (Revision: 0L, Operation: (Operation?)null);
        var next = 0;
        foreach (var operation in done.OrderBy(o => o.InvokedAt))
        {
            for (; next < answered.Count && answered[next].ReturnedAt < operation.InvokedAt; next++)
            {
                if (RevisionOf(answered[next]) > highest.Revision)
                {
                    highest = (RevisionOf(answered[next]), answered[next]);
                }
            }
            if (operation.Kind == OperationKind.StaleRead)
            {
                CheckStale(operation, written);
                continue;
            }
            // A retried write is answered with what it did at its first attempt, which was after it was invoked all the same.
            Violation.Unless(
                RevisionOf(operation) >= highest.Revision,
                Name,
                () => $"{operation} was answered from before {highest.Operation}, which had returned");
        }
    }

    private static void CheckStale(Operation read, Dictionary<(string, string), Operation> written)
    {
        if (read.Seen is { Value: { } value })
        {
            var known = written.TryGetValue((read.Object, value), out var put);
            Violation.Unless(known && put!.InvokedAt <= read.ReturnedAt, Name, () => $"{read} saw a value that nobody had written");
            Violation.Unless(put!.Status != OperationStatus.NotDone, Name, () => $"{read} saw what was answered as not done: {put}");
        }
    }

    private static long RevisionOf(Operation operation) => operation.Seen?.ViewRevision ?? operation.Outcome?.Revision.Value ?? 0;
}
