using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// Transactions are linearizable over all their keys together. The log is the order: at its place in it each transaction, as its client asked for it, must come to what it was
/// judged to be by a model of a few lines; every read of several keys must be what the model had at that revision, now or in the past. That the places agree with real time shows
/// in their revisions (<see cref="RevisionsIncrease"/>), that clients are told what the log says in <see cref="Answers"/>.
/// </summary>
internal sealed class Transactions(string prefix)
{
    public const string Name = "transactions";

    private readonly Key _prefix = Key.FromText(prefix);
    private readonly SortedDictionary<Key, KeyRecord> _keys = [];

    private readonly KeyHistory _past = new();

    /// <summary>Of those with an identity, what came of it, and when; it is told again, at any time where it was an effect.</summary>
    private readonly Dictionary<Operation, (Outcome First, bool WasEffect, ClusterTime Told)> _answers = [];

    /// <param name="changes">What production code changed in this entry.</param>
    public void Applied(AppliedEntry entry, IReadOnlyList<Change> changes)
    {
        var changed = changes.OfType<KeyChange>().Where(change => change.Key.StartsWith(_prefix)).ToList();
        if (entry.Command is TxnCommand logged)
        {
            Transact(entry, entry.Asked?.Command as TxnCommand ?? logged, changed);
            return;
        }
        foreach (var change in changed)
        {
            var isEnd = change.After is null && entry.Command is ExpireCommand or RevokeLeaseCommand or WithdrawCommand
                && _keys.TryGetValue(change.Key, out var record) && !record.Lease.IsNone && entry.After.GetLease(record.Lease) is null;
            Violation.Unless(isEnd, Name, () => $"{entry} changed {change.Key}");
            Store(change.Key, null, change.Revision);
        }
    }

    /// <summary>At the end: what reads of all keys saw is what was there; what a transaction read, and was read again for a retry, is what it read at first.</summary>
    public void CheckReads(IEnumerable<Operation> operations)
    {
        foreach (var (transaction, answer) in _answers)
        {
            if (answer.First is TxnDone first && transaction.Outcome is TxnDone told && told.Revision == first.Revision)
            {
                Violation.Unless(OutcomeText.Tells(first.Results, told.Results), Name, () => $"{transaction} was told this; at first it was {OutcomeText.Of(first)}");
            }
        }
        _past.CheckReads(operations);
    }

    private void Transact(AppliedEntry entry, TxnCommand asked, List<KeyChange> changed)
    {
        if (entry.Outcome is RequestWithdrawn)
        {
            Violation.Unless(changed.Count == 0, Name, () => $"{entry} had been withdrawn and changed {changed.Count} keys all the same");
            return;
        }
        if (entry.Asked is { } operation && _answers.TryGetValue(operation, out var answer)
            && (answer.WasEffect || entry.Stamp - answer.Told <= Limits.Default.BriefKeepMicros))
        {
            var isFirst = OutcomeText.Of(entry.Outcome) == OutcomeText.Of(OutcomeText.AsKept(answer.First));
            Violation.Unless((entry.Outcome is RetryTooLate || isFirst) && changed.Count == 0, Name, () =>
                $"{operation} came again and was {OutcomeText.Of(entry.Outcome)}, with {changed.Count} changes; first it was {OutcomeText.Of(answer.First)}");
            _answers[operation] = entry.Outcome is BoundReached or QuotaExceeded ? answer : answer with { Told = entry.Stamp };
            return;
        }
        if (entry.Outcome is BoundReached)
        {
            Violation.Unless(changed.Count == 0, Name, () => $"{entry} reached a bound and changed {changed.Count} keys all the same");
            Remember(entry, false);
            return;
        }
        var model = TransactionModel.On(_keys, entry.Before);
        var expected = model.Of(asked);
        var outcome = OutcomeText.Of(entry.Outcome);
        Violation.Unless(outcome == OutcomeText.Of(expected), Name, () =>
            $"{entry}: {outcome}; the model says {OutcomeText.Of(expected)}; it was asked: {(entry.Asked is null ? asked : entry.Asked)}");
        var wrote = KeyHistory.Text(changed.Select(change => (change.Key, change.After)));
        var writes = KeyHistory.Text(model.Writes.Select(write => (write.Key, write.Value)));
        Violation.Unless(wrote == writes, Name, () => $"{entry} wrote {wrote}; the model writes {writes}");
        foreach (var (key, record) in model.Writes)
        {
            Store(key, record, entry.After.Revision);
        }
        Remember(entry, model.Writes.Count > 0);
    }

    private void Remember(AppliedEntry entry, bool wasEffect)
    {
        if (entry.Asked is { HasIdentity: true } operation)
        {
            _answers[operation] = (entry.Outcome, wasEffect, entry.Stamp);
        }
    }

    private void Store(Key key, KeyRecord? record, Revision revision)
    {
        if (record is null)
        {
            _keys.Remove(key);
        }
        else
        {
            _keys[key] = record;
        }
        _past.Store(key, record, revision);
    }
}
