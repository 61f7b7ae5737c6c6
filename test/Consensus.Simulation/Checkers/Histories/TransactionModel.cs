using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>What one transaction comes to, worked out on plain dictionaries.</summary>
/// <param name="keys">What there is before it.</param>
/// <param name="revision">The store's before it.</param>
/// <param name="holdIsSo">Whether a compare of a hold holds.</param>
/// <param name="isAlive">Whether a lease can be used.</param>
internal sealed class TransactionModel(
    IReadOnlyDictionary<Key, KeyRecord> keys, Revision revision, Func<TxnCompare, bool> holdIsSo, Func<LeaseId, bool> isAlive)
{
    private const int MostItems = 1_000;

    private readonly SortedDictionary<Key, KeyRecord> _now = new(keys.ToDictionary());
    private readonly HashSet<Key> _deleted = [];
    private readonly List<Key> _deletedPrefixes = [];

    /// <summary>Keys in the order in which they were written.</summary>
    private readonly List<Key> _order = [];

    /// <summary>Keys that it writes; null for one that it deletes.</summary>
    public SortedDictionary<Key, KeyRecord?> Writes { get; } = [];

    /// <param name="keys">What there is before it.</param>
    /// <param name="before">The state before it, for what it knows of holds and leases.</param>
    public static TransactionModel On(IReadOnlyDictionary<Key, KeyRecord> keys, StateView before) =>
        new(keys, before.Revision, compare => HoldIsSo(compare, before), lease => before.GetLease(lease) is not null);

    public Outcome Of(TxnCommand command)
    {
        var succeeds = command.Compares.All(compare => Holds(compare, keys.GetValueOrDefault(compare.Name), holdIsSo));
        var results = ImmutableArray.CreateBuilder<TxnResult>();
        foreach (var operation in succeeds ? command.Success : command.Failure)
        {
            if (Refused(operation) is { } refusal)
            {
                Writes.Clear();
                return refusal;
            }
            results.Add(Do(operation));
        }
        return new TxnDone(Writes.Count > 0 ? revision.Next : revision, succeeds, results.ToImmutable());
    }

    /// <param name="compare">What is compared.</param>
    /// <param name="record">The key; null when it does not exist.</param>
    /// <param name="before">For holds.</param>
    public static bool Holds(TxnCompare compare, KeyRecord? record, StateView before) => Holds(compare, record, hold => HoldIsSo(hold, before));

    private static bool HoldIsSo(TxnCompare compare, StateView before)
    {
        var isHeld = before.GetObject(new ObjectName(compare.Space, compare.Name)).Holders.Any(hold => hold.Token.Value == compare.Number);
        return isHeld == (compare.Operator == CompareOperator.Equal);
    }

    private static bool Holds(TxnCompare compare, KeyRecord? record, Func<TxnCompare, bool> holdIsSo)
    {
        if (compare.Target == CompareTarget.Hold)
        {
            return holdIsSo(compare);
        }
        if (compare.Target == CompareTarget.Value && record is null)
        {
            return compare.Operator == CompareOperator.NotEqual;
        }
        var order = compare.Target switch
        {
            CompareTarget.Value => record!.Value.Span.SequenceCompareTo(compare.Value.Span),
            CompareTarget.Version => (record?.Version ?? 0).CompareTo(compare.Number),
            CompareTarget.CreateRevision => (record?.CreateRevision.Value ?? 0).CompareTo(compare.Number),
            CompareTarget.ModRevision => (record?.ModRevision.Value ?? 0).CompareTo(compare.Number),
            CompareTarget.Lease => (record?.Lease.Value ?? 0).CompareTo(compare.Number),
            _ => (record is null ? 0L : 1L).CompareTo(compare.Number),
        };
        return compare.Operator switch
        {
            CompareOperator.Equal => order == 0,
            CompareOperator.NotEqual => order != 0,
            CompareOperator.Less => order < 0,
            _ => order > 0,
        };
    }

    /// <summary>A key is written once at most; a lease must be alive.</summary>
    private Outcome? Refused(TxnOperation operation)
    {
        Key? twice = operation switch
        {
            TxnPut put when Writes.ContainsKey(put.Key) || _deleted.Contains(put.Key) || _deletedPrefixes.Exists(put.Key.StartsWith) => put.Key,
            TxnDelete { IsPrefix: false } delete when Writes.ContainsKey(delete.Key) => delete.Key,
            TxnDelete { IsPrefix: true } delete => FirstWritten(delete.Key),
            _ => null,
        };
        if (twice is { } key)
        {
            return new KeyWrittenTwice(revision, key);
        }
        return operation is TxnPut { Lease.IsNone: false } leased && !isAlive(leased.Lease) ? new LeaseMissing(revision, leased.Lease) : null;
    }

    /// <summary>A put anywhere below the prefix counts before a deletion there: so production code names the key.</summary>
    private Key? FirstWritten(Key prefix)
    {
        foreach (var key in _order.Where(key => Writes[key] is not null && key.StartsWith(prefix)))
        {
            return key;
        }
        foreach (var key in keys.Keys.Where(key => Writes.ContainsKey(key) && key.StartsWith(prefix)).Order())
        {
            return key;
        }
        return null;
    }

    private TxnResult Do(TxnOperation operation)
    {
        switch (operation)
        {
            case TxnPut put:
                var old = keys.GetValueOrDefault(put.Key);
                var record = new KeyRecord(put.Value, old?.CreateRevision ?? revision.Next, revision.Next, (old?.Version ?? 0) + 1, put.Lease);
                Write(put.Key, record);
                return new TxnPutResult(put.Key, record.CreateRevision, record.ModRevision, record.Version, record.Lease);
            case TxnDelete { IsPrefix: false } delete:
                _deleted.Add(delete.Key);
                var wasThere = _now.ContainsKey(delete.Key);
                if (wasThere)
                {
                    Write(delete.Key, null);
                }
                return new TxnDeleteResult(wasThere ? 1 : 0);
            case TxnDelete delete:
                _deletedPrefixes.Add(delete.Key);
                var gone = _now.Keys.Where(key => key.StartsWith(delete.Key)).ToList();
                gone.ForEach(key => Write(key, null));
                return new TxnDeleteResult(gone.Count);
            case TxnGet { IsPrefix: false } get:
                return _now.TryGetValue(get.Key, out var found) ? new TxnGetResult([new KeyItem(get.Key, found)], 1) : new TxnGetResult([], 0);
            case TxnGet get:
                var below = _now.Where(key => key.Key.StartsWith(get.Key)).Select(key => new KeyItem(key.Key, key.Value)).ToList();
                return new TxnGetResult([.. below.Take(get.Limit == 0 ? MostItems : (int)get.Limit)], below.Count);
            default:
                return Invariant.Unreachable<TxnResult>(operation);
        }
    }

    private void Write(Key key, KeyRecord? record)
    {
        _order.Add(key);
        Writes[key] = record;
        if (record is null)
        {
            _now.Remove(key);
        }
        else
        {
            _now[key] = record;
        }
    }
}
