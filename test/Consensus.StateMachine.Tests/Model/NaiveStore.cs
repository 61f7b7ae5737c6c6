using System.Text;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>A key as the naive store has it; compared by content.</summary>
internal sealed record NaiveItem(string Value, long Create, long Mod, long Version, long Lease)
{
    public static NaiveItem? Of(KeyRecord? record) => record is null
        ? null
        : new NaiveItem(
            Encoding.Latin1.GetString(record.Value.Span), record.CreateRevision.Value, record.ModRevision.Value, record.Version, record.Lease.Value);
}

internal sealed record NaiveChange(long Revision, string Key, NaiveItem? Before, NaiveItem? After)
{
    public static NaiveChange Of(Change change)
    {
        var c = (KeyChange)change;
        return new NaiveChange(c.Revision.Value, c.Key.ToString(), NaiveItem.Of(c.Before), NaiveItem.Of(c.After));
    }
}

/// <summary>
/// Keys and their leases, the slow and plain way: every version of everything is kept whole, nothing is shared, and a transaction works on a copy.
/// </summary>
internal sealed class NaiveStore
{
    private readonly SortedDictionary<long, (long Ttl, long Deadline)> _leases = [];
    private readonly List<(long Revision, SortedDictionary<string, NaiveItem> Keys)> _versions = [(0, new(StringComparer.Ordinal))];
    private readonly List<NaiveChange> _changes = [];
    private SortedDictionary<string, NaiveItem> _keys = new(StringComparer.Ordinal);

    public long Revision { get; set; } = 1;

    public long Compacted { get; private set; }

    public IReadOnlyDictionary<string, NaiveItem> Keys => _keys;

    public IEnumerable<(string Key, NaiveItem Item)> ListAt(long revision, string prefix, string? after) =>
        _versions.Last(v => v.Revision <= revision).Keys
            .Where(k => k.Key.StartsWith(prefix, StringComparison.Ordinal) && (after is null || string.CompareOrdinal(k.Key, after) > 0))
            .Select(k => (k.Key, k.Value));

    public NaiveItem? GetAt(long revision, string key) => _versions.Last(v => v.Revision <= revision).Keys.GetValueOrDefault(key);

    public List<NaiveChange> ChangesFrom(long revision) => [.. _changes.Where(c => c.Revision >= revision)];

    public void Compact(long upTo) => Compacted = Math.Max(Compacted, Math.Min(upTo, Revision));

    public void Put(PutCommand c)
    {
        var key = c.Key.ToString();
        if (Allows(c.Condition, _keys.GetValueOrDefault(key)) && (c.Lease.IsNone || _leases.ContainsKey(c.Lease.Value)))
        {
            Commit([(key, Write(_keys, key, c.Value, c.Lease.Value))]);
        }
    }

    public void Delete(DeleteCommand c)
    {
        var key = c.Key.ToString();
        if (_keys.TryGetValue(key, out var item) && Allows(c.Condition, item))
        {
            Commit([(key, null)]);
        }
    }

    public void DeletePrefix(string prefix) => Commit([.. Under(_keys, prefix).Select(key => (key, default(NaiveItem)))]);

    public void Grant(long lease, long ttl, long now) => _leases.TryAdd(lease, (ttl, now + ttl));

    public void Renew(long lease, long now)
    {
        if (_leases.TryGetValue(lease, out var known))
        {
            _leases[lease] = (known.Ttl, Math.Max(known.Deadline, now + known.Ttl));
        }
    }

    public void End(long lease)
    {
        if (_leases.Remove(lease))
        {
            Commit([.. _keys.Where(k => k.Value.Lease == lease).Select(k => (k.Key, default(NaiveItem)))]);
        }
    }

    public void Expire(long now)
    {
        foreach (var lease in _leases.Where(l => l.Value.Deadline <= now).OrderBy(l => (l.Value.Deadline, l.Key)).Select(l => l.Key).ToList())
        {
            End(lease);
        }
    }

    /// <summary>What the transaction answers: <c>TxnDone</c> with its results, or the name of the refusal alone.</summary>
    public (string Outcome, bool Succeeded, List<object> Results) Txn(TxnCommand c, Func<TxnCompare, bool> isHeld)
    {
        var succeeded = c.Compares.All(compare => compare.Target == CompareTarget.Hold
            ? isHeld(compare) == (compare.Operator == CompareOperator.Equal)
            : Holds(compare));
        var copy = new SortedDictionary<string, NaiveItem>(_keys, StringComparer.Ordinal);
        var writes = new List<(string Key, NaiveItem? Item)>();
        var results = new List<object>();
        var deletes = new List<TxnDelete>();
        foreach (var operation in succeeded ? c.Success : c.Failure)
        {
            switch (operation)
            {
                case TxnPut put:
                    var key = put.Key.ToString();
                    var isDeleted = deletes.Exists(d => d.IsPrefix ? key.StartsWith(d.Key.ToString(), StringComparison.Ordinal) : key == d.Key.ToString());
                    if (writes.Exists(w => w.Key == key) || isDeleted)
                    {
                        return (nameof(KeyWrittenTwice), false, []);
                    }
                    if (!put.Lease.IsNone && !_leases.ContainsKey(put.Lease.Value))
                    {
                        return (nameof(LeaseMissing), false, []);
                    }
                    copy[key] = Write(copy, key, put.Value, put.Lease.Value);
                    writes.Add((key, copy[key]));
                    results.Add((key, copy[key].Create, copy[key].Mod, copy[key].Version, copy[key].Lease));
                    break;
                case TxnDelete delete:
                    var name = delete.Key.ToString();
                    var gone = delete.IsPrefix ? Under(_keys, name) : [.. _keys.Keys.Where(k => k == name)];
                    var puts = writes.Where(w => w.Item is not null).Select(w => w.Key);
                    var touched = puts.Any(k => delete.IsPrefix ? k.StartsWith(name, StringComparison.Ordinal) : k == name);
                    if (touched || gone.Exists(k => writes.Exists(w => w.Key == k)))
                    {
                        return (nameof(KeyWrittenTwice), false, []);
                    }
                    gone.ForEach(k => copy.Remove(k));
                    writes.AddRange(gone.Select(k => (k, default(NaiveItem))));
                    deletes.Add(delete);
                    results.Add((long)gone.Count);
                    break;
                case TxnGet get:
                    var all = get.IsPrefix ? Under(copy, get.Key.ToString()) : [.. copy.Keys.Where(k => k == get.Key.ToString())];
                    var limit = get.Limit == 0 ? int.MaxValue : (int)get.Limit;
                    results.Add((string.Join(",", all.Take(get.IsPrefix ? limit : 1).Select(k => $"{k}={copy[k]}")), (long)all.Count));
                    break;
                default:
                    throw new InvalidOperationException();
            }
        }
        Commit(writes);
        return (nameof(TxnDone), succeeded, results);
    }

    private bool Holds(TxnCompare compare)
    {
        var item = _keys.GetValueOrDefault(compare.Name.ToString());
        if (compare.Target == CompareTarget.Value && item is null)
        {
            return compare.Operator == CompareOperator.NotEqual;
        }
        var order = compare.Target switch
        {
            CompareTarget.Value => Math.Sign(string.CompareOrdinal(item!.Value, Encoding.Latin1.GetString(compare.Value.Span))),
            CompareTarget.Version => (item?.Version ?? 0).CompareTo(compare.Number),
            CompareTarget.CreateRevision => (item?.Create ?? 0).CompareTo(compare.Number),
            CompareTarget.ModRevision => (item?.Mod ?? 0).CompareTo(compare.Number),
            CompareTarget.Lease => (item?.Lease ?? 0).CompareTo(compare.Number),
            _ => (item is null ? 0L : 1L).CompareTo(compare.Number),
        };
        return compare.Operator switch
        {
            CompareOperator.Equal => order == 0,
            CompareOperator.NotEqual => order != 0,
            CompareOperator.Less => order < 0,
            _ => order > 0,
        };
    }

    private static bool Allows(KeyCondition condition, NaiveItem? item) => condition.Kind switch
    {
        KeyConditionKind.None => true,
        KeyConditionKind.Absent => item is null,
        KeyConditionKind.Exists => item is not null,
        _ => item?.Mod == condition.ModRevision.Value,
    };

    private static List<string> Under(SortedDictionary<string, NaiveItem> keys, string prefix) =>
        [.. keys.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))];

    /// <summary>The key as it would be after a write at the next revision.</summary>
    private NaiveItem Write(SortedDictionary<string, NaiveItem> keys, string key, ReadOnlyMemory<byte> value, long lease)
    {
        var old = keys.GetValueOrDefault(key);
        return new NaiveItem(Encoding.Latin1.GetString(value.Span), old?.Create ?? Revision + 1, Revision + 1, (old?.Version ?? 0) + 1, lease);
    }

    private void Commit(List<(string Key, NaiveItem? Item)> writes)
    {
        if (writes.Count == 0)
        {
            return;
        }
        Revision++;
        _changes.AddRange(writes.Select(w => new NaiveChange(Revision, w.Key, _keys.GetValueOrDefault(w.Key), w.Item)));
        _keys = new SortedDictionary<string, NaiveItem>(_keys, StringComparer.Ordinal);
        foreach (var (key, item) in writes)
        {
            if (item is null)
            {
                _keys.Remove(key);
            }
            else
            {
                _keys[key] = item;
            }
        }
        _versions.Add((Revision, _keys));
    }
}
