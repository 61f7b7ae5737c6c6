using System.Text;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// What watches of everything were told, beside what clients asked and were answered, where nobody sees the log: every acknowledged write
/// is told, once and as it was answered;
/// what is told was asked for by somebody, or is the end of a lease; and every answer, of a read, a transaction or an election, is what
/// there was at its revision.
/// </summary>
internal sealed class Chronicle
{
    public const string Name = "told and answered";

    private readonly SortedDictionary<long, List<(Change Change, long At)>> _told = [];
    private readonly Dictionary<Key, KeyRecord> _present = [];

    /// <summary>Every state of every key that was told of.</summary>
    public KeyHistory Keys { get; } = new();

    /// <summary>All changes, in order.</summary>
    public IEnumerable<Change> Changes => _told.Values.SelectMany(changes => changes).Select(told => told.Change);

    /// <summary>The newest revision that was told of.</summary>
    public Revision Last => _told.Count == 0 ? Revision.Initial : new Revision(_told.Keys.Last());

    /// <summary>
    /// A message of a watch of everything came. In order of revisions, but for elections, each of which is watched by itself.
    /// </summary>
    /// <param name="changes">Keys without what they were before.</param>
    /// <param name="at">When it came.</param>
    public void Told(Revision revision, IReadOnlyList<Change> changes, long at)
    {
        if (!_told.TryGetValue(revision.Value, out var told))
        {
            _told[revision.Value] = told = [];
        }
        foreach (var change in changes)
        {
            if (change is not KeyChange key)
            {
                told.Add((change, at));
                continue;
            }
            _present.TryGetValue(key.Key, out var before);
            told.Add((key with { Before = before }, at));
            Keys.Store(key.Key, key.After, revision);
            if (key.After is { } after)
            {
                _present[key.Key] = after;
            }
            else
            {
                _present.Remove(key.Key);
            }
        }
    }

    /// <summary>Once it was told everything.</summary>
    /// <param name="leaseEnded">Told of leases that ended by themselves, by the end of their keys, and of when that was seen.</param>
    public void Check(IReadOnlyList<Operation> operations, Action<LeaseId, long> leaseEnded)
    {
        CheckAnswers(operations);
        Keys.CheckReads(operations);
        CheckTransactions(operations);
        CheckElections(operations);
        var writers = WritersOf(operations);
        foreach (var (change, at) in _told.Values.SelectMany(told => told))
        {
            switch (change)
            {
                case KeyChange { After: { } after } put:
                    CheckPut(put, after, at, writers);
                    break;
                case KeyChange deleted:
                    CheckDelete(deleted, at, operations, leaseEnded);
                    break;
                case ElectionChange { Leader: { } leader } elected:
                    CheckLeader(elected, leader, at, operations);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>A watch of an election begins with who leads at this revision.</summary>
    public void CheckPresent(string who, Key name, Revision revision, Hold? leader)
    {
        var told = LeaderAt(name, revision.Value);
        Violation.Unless(told?.Token == leader?.Token, Name, () => $"{who} begins with {leader?.Owner ?? "nobody"} at revision {revision}; by what was told of the election, {told?.Owner ?? "nobody"} led then");
    }

    private void CheckAnswers(IReadOnlyList<Operation> operations)
    {
        foreach (var operation in operations.Where(o => o.Status == OperationStatus.Done))
        {
            switch (operation.Outcome)
            {
                case PutDone put:
                    var expected = new KeyRecord(
                        Encoding.UTF8.GetBytes(operation.Value), put.CreateRevision, put.ModRevision, put.Version, LeaseId.None);
                    var told = ChangeAt(put.ModRevision.Value, operation.Key)?.After;
                    Violation.Unless(told is not null && OutcomeText.Of(told) == OutcomeText.Of(expected), Name, () =>
                        $"{operation} was answered, and at that revision {(told is null ? "nothing" : OutcomeText.Of(told))} was told of its key");
                    break;
                case DeleteDone { Deleted: > 0 } deleted:
                    Violation.Unless(
                        ChangeAt(deleted.Revision.Value, operation.Key) is { After: null },
                        Name,
                        () => $"{operation} was answered, and no end of its key was told of at that revision");
                    break;
                default:
                    break;
            }
            if (operation.Kind is OperationKind.Read or OperationKind.StaleRead)
            {
                var seen = operation.Seen!;
                var was = Keys.At(operation.Key, seen.ViewRevision);
                var isSo = was is null ? seen.Value is null
                    : seen.Value == Encoding.UTF8.GetString(was.Value.Span) && seen.ModRevision == was.ModRevision.Value && seen.Version == was.Version;
                Violation.Unless(
                    isSo,
                    Name,
                    () => $"{operation} saw this, and at its revision there was {(was is null ? "nothing" : OutcomeText.Of(was))}");
            }
        }
    }

    /// <summary>Each comes to what it must on the keys that there were, and writes what is told of its revision.</summary>
    private void CheckTransactions(IEnumerable<Operation> operations)
    {
        foreach (var operation in operations)
        {
            if (operation is not { Status: OperationStatus.Done, Outcome: TxnDone done, Command: TxnCommand command })
            {
                continue;
            }
            var hadEffect = done.Results.Any(result => result is TxnPutResult or TxnDeleteResult { Deleted: > 0 });
            var before = new Revision(done.Revision.Value - (hadEffect ? 1 : 0));
            // Whether a hold was current is known to nobody here; that it was where a write says so, is judged elsewhere.
            var model = new TransactionModel(Keys.StateAt(before.Value), before, _ => done.Succeeded, static _ => true);
            var expected = model.Of(command);
            Violation.Unless(
                expected is TxnDone right && right.Succeeded == done.Succeeded && right.Revision == done.Revision && right.Results.Length == done.Results.Length
                    && Tells(right.Results, done.Results),
                Transactions.Name,
                () => $"{operation}; the model says {OutcomeText.Of(expected)}");
            var wrote = KeyHistory.Text(hadEffect ? KeyChangesAt(done.Revision.Value).Select(change => (change.Key, change.After)) : []);
            var writes = KeyHistory.Text(model.Writes.Select(write => (write.Key, write.Value)));
            Violation.Unless(
                wrote == writes, Transactions.Name, () => $"{operation} writes {writes}, and of its revision was told {wrote}");
        }
    }

    /// <summary>All that was told is so. Of what a retry was said to be not told any more, nobody knows how much it was.</summary>
    private static bool Tells(IEnumerable<TxnResult> expected, IReadOnlyList<TxnResult> told) =>
        OutcomeText.Of(expected.Zip(told, static (right, said) => said is TxnGetNotKept ? said : right)) == OutcomeText.Of(told);

    private void CheckElections(IReadOnlyList<Operation> operations)
    {
        foreach (var operation in operations.Where(o => o.Status == OperationStatus.Done && o.Name.Space == HoldSpace.Election))
        {
            var (revision, token) = operation.Outcome switch
            {
                HoldGranted granted => (granted.Hold.Token.Value, granted.Hold.Token.Value),
                HandedOver over => (over.Hold.Token.Value, over.Hold.Token.Value),
                _ => operation.Kind == OperationKind.ReadHold ? (operation.Seen!.ViewRevision, operation.Seen.Token) : (0, 0),
            };
            if (revision > 0)
            {
                var told = LeaderAt(operation.Name.Name, revision);
                Violation.Unless(
                    (told?.Token.Value ?? 0) == token,
                    Name,
                    () => $"{operation}; by what was told of the election, {told?.Owner ?? "nobody"} led then");
            }
            if (operation is { Outcome: HoldRenewed renewed, Command: RenewHoldCommand { Value: { } value }, Attempts: <= 1 })
            {
                var told = LeaderAt(operation.Name.Name, renewed.Revision.Value);
                Violation.Unless(told?.Token.Value == operation.Token && told.Value.Span.SequenceEqual(value.Span), Name, () =>
                    $"{operation}; by what was told of the election, {told?.Owner ?? "nobody"} led then, with the value {(told is null ? "" : Encoding.UTF8.GetString(told.Value.Span))}");
            }
        }
    }

    private static void CheckPut(KeyChange put, KeyRecord after, long at, Dictionary<string, Operation> writers)
    {
        var value = Encoding.UTF8.GetString(after.Value.Span);
        var isKnown = writers.TryGetValue($"{put.Key}={value}", out var writer);
        Violation.Unless(
            isKnown && writer!.InvokedAt <= at,
            Name,
            () => $"{put.Key}={value} was told of at revision {put.Revision}, and nobody had asked for it");
        Violation.Unless(
            writer!.Status != OperationStatus.NotDone,
            Name,
            () => $"{put.Key}={value} was told of at revision {put.Revision}, and was answered as not done: {writer}");
        var answered = writer.Outcome switch
        {
            PutDone done => done.ModRevision.Value,
            TxnDone done => done.Revision.Value,
            _ => 0,
        };
        Violation.Unless(
            writer.Status != OperationStatus.Done || answered > 0,
            FinalAnswers.Name,
            () => $"{put.Key}={value} was told of at revision {put.Revision}: {writer}");
        Violation.Unless(
            answered == 0 || answered == put.Revision.Value,
            RetryOnce.Name,
            () => $"{put.Key}={value} was told of at revision {put.Revision}: {writer}");
    }

    private static void CheckDelete(KeyChange deleted, long at, IReadOnlyList<Operation> operations, Action<LeaseId, long> leaseEnded)
    {
        var revision = deleted.Revision.Value;
        var asked = operations.Where(o => o.InvokedAt <= at && o.Status != OperationStatus.NotDone && CanDelete(o, deleted.Key)).ToList();
        if (asked.Exists(o => o.Status == OperationStatus.Done && o.Outcome is TxnDone or DeleteDone { Deleted: > 0 } && o.Outcome.Revision.Value == revision)
            || asked.Exists(o => o.Status != OperationStatus.Done))
        {
            return;
        }
        var lease = deleted.Before?.Lease ?? LeaseId.None;
        Violation.Unless(
            !lease.IsNone, Name, () => $"the end of {deleted.Key} was told of at revision {revision}, and nobody had asked for it");
        var isEnded = operations.Any(
            o => o.InvokedAt <= at && o.Status != OperationStatus.NotDone && o.Command is RevokeLeaseCommand revoke && revoke.Id == lease);
        if (!isEnded)
        {
            leaseEnded(lease, at);
        }
    }

    private static void CheckLeader(ElectionChange elected, Hold leader, long at, IReadOnlyList<Operation> operations)
    {
        var value = leader.Value;
        var asked = operations.Where(o => o.InvokedAt <= at && o.Name.Space == HoldSpace.Election && o.Name.Name == elected.Name && o.Status != OperationStatus.NotDone).ToList();
        Violation.Unless(
            asked.Exists(o => o.HoldsAs == leader.Owner),
            Name,
            () => $"{leader.Owner} leads {elected.Name} since revision {elected.Revision}, and had not asked for it");
        Violation.Unless(
            asked.Exists(o => o.Command switch
            {
                AcquireCommand acquire => acquire.Owner == leader.Owner && acquire.Value.Span.SequenceEqual(value.Span),
                RenewHoldCommand { Value: { } proclaimed } => o.Token == leader.Token.Value && proclaimed.Span.SequenceEqual(value.Span),
                _ => false,
            }),
            Name,
            () => $"{leader.Owner} proclaims {Encoding.UTF8.GetString(value.Span)} in {elected.Name} since revision {elected.Revision}, and had not asked to");
    }

    private static bool CanDelete(Operation operation, Key key) => operation.Kind == OperationKind.Delete
        ? operation.Key == key
        : operation.Command is TxnCommand txn && txn.Success.Concat(txn.Failure).Any(
            one => one is TxnDelete delete && (delete.IsPrefix ? key.StartsWith(delete.Key) : key == delete.Key));

    /// <summary>By key and value, which nobody else puts there.</summary>
    private static Dictionary<string, Operation> WritersOf(IEnumerable<Operation> operations)
    {
        var writers = new Dictionary<string, Operation>(StringComparer.Ordinal);
        foreach (var operation in operations)
        {
            if (operation.Kind == OperationKind.Put)
            {
                writers[$"{operation.Key}={operation.Value}"] = operation;
            }
            foreach (var put in operation.Command is TxnCommand txn ? txn.Success.Concat(txn.Failure).OfType<TxnPut>() : [])
            {
                writers[$"{put.Key}={Encoding.UTF8.GetString(put.Value.Span)}"] = operation;
            }
        }
        return writers;
    }

    /// <summary>Operations under which something was told of.</summary>
    public HashSet<Operation> WithEffect(IReadOnlyList<Operation> operations)
    {
        var writers = WritersOf(operations);
        return [.. Changes.OfType<KeyChange>().Where(change => change.After is not null)
            .Select(change => writers.GetValueOrDefault($"{change.Key}={Encoding.UTF8.GetString(change.After!.Value.Span)}")).OfType<Operation>()];
    }

    private IEnumerable<KeyChange> KeyChangesAt(long revision) =>
        _told.TryGetValue(revision, out var told) ? told.Select(one => one.Change).OfType<KeyChange>() : [];

    private KeyChange? ChangeAt(long revision, Key key) => KeyChangesAt(revision).FirstOrDefault(change => change.Key == key);

    private Hold? LeaderAt(Key name, long revision) =>
        Changes.OfType<ElectionChange>().LastOrDefault(change => change.Name == name && change.Revision.Value <= revision)?.Leader;
}
