using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Transactions;

/// <summary>
/// What a transaction would do, worked out operation by operation without touching the state. No key is written twice, so every write replaces what stood before
/// the transaction; only gets need to see the writes before them.
/// </summary>
internal sealed class TxnPlan(StateTables state)
{
    private readonly ImmutableArray<TxnResult>.Builder _results = ImmutableArray.CreateBuilder<TxnResult>();
    private readonly HashSet<Key> _written = [];
    private readonly HashSet<Key> _deletedKeys = [];
    private readonly List<Key> _deletedPrefixes = [];
    private readonly Dictionary<LeaseId, int> _attached = [];

    /// <summary>The keys with the writes so far, made when the first get needs it.</summary>
    private CowTree<Key, KeyRecord>? _overlay;
    private long _growth;
    private long _answerBytes;

    /// <summary>In the order of the operations; those of a prefix in the order of their keys. All have the next revision.</summary>
    public List<KeyChange> Changes { get; } = [];

    public ImmutableArray<TxnResult> Results => _results.ToImmutable();

    /// <summary>Keys that were looked at, to be read or written.</summary>
    public int Touched { get; private set; }

    /// <summary>Plans one more operation; gives the refusal of the whole transaction, or null.</summary>
    public Outcome? Add(TxnOperation operation) => operation switch
    {
        TxnPut put => Put(put),
        TxnDelete { IsPrefix: false } delete => Delete(delete.Key),
        TxnDelete delete => DeletePrefix(delete.Key),
        TxnGet { IsPrefix: false } get => Get(get.Key),
        TxnGet get => GetPrefix(get),
        _ => Invariant.Unreachable<Outcome?>(operation),
    };

    private Outcome? Put(TxnPut put)
    {
        if (_written.Contains(put.Key) || _deletedKeys.Contains(put.Key) || _deletedPrefixes.Exists(put.Key.StartsWith))
        {
            return new KeyWrittenTwice(state.Revision, put.Key);
        }
        state.Keys.TryGet(put.Key, out var stored, out var old);
        if (!put.Lease.IsNone)
        {
            if (!state.Leases.TryGet(put.Lease, out var lease))
            {
                return new LeaseMissing(state.Revision, put.Lease);
            }
            _attached.TryGetValue(put.Lease, out var attached);
            if (old?.Lease != put.Lease && lease.Attachments + attached >= state.Limits.MaxAttachmentsPerLease)
            {
                return new BoundReached(state.Revision, BoundKind.LeaseAttachments, state.Limits.MaxAttachmentsPerLease);
            }
        }
        var grows = KeyTable.SizeOf(put.Key, put.Value, put.Lease) - KeyTable.SizeOf(put.Key, old);
        if (grows > 0 && state.RefuseGrowth(_growth + grows) is { } full)
        {
            return full;
        }
        if (Touch(1) is { } tooMany)
        {
            return tooMany;
        }
        var record = new KeyRecord(put.Value.ToArray(), old?.CreateRevision ?? state.Revision.Next, state.Revision.Next, (old?.Version ?? 0) + 1, put.Lease);
        _growth += grows;
        Write(old is null ? put.Key : stored, old, record);
        _results.Add(new TxnPutResult(put.Key, record.CreateRevision, record.ModRevision, record.Version, record.Lease));
        return null;
    }

    private Outcome? Delete(Key key)
    {
        if (_written.Contains(key))
        {
            return new KeyWrittenTwice(state.Revision, key);
        }
        if (Touch(1) is { } tooMany)
        {
            return tooMany;
        }
        _deletedKeys.Add(key);
        var exists = state.Keys.TryGet(key, out var stored, out var old);
        if (exists)
        {
            Remove(stored, old);
        }
        _results.Add(new TxnDeleteResult(exists ? 1 : 0));
        return null;
    }

    private Outcome? DeletePrefix(Key prefix)
    {
        if (Changes.Find(change => change.After is not null && change.Key.StartsWith(prefix)) is { } put)
        {
            return new KeyWrittenTwice(state.Revision, put.Key);
        }
        var deleted = 0;
        foreach (var (key, record) in state.Keys.From(prefix))
        {
            if (!key.StartsWith(prefix))
            {
                break;
            }
            if (_written.Contains(key))
            {
                return new KeyWrittenTwice(state.Revision, key);
            }
            if (Touch(1) is { } tooMany)
            {
                return tooMany;
            }
            Remove(key, record);
            deleted++;
        }
        _deletedPrefixes.Add(prefix);
        _results.Add(new TxnDeleteResult(deleted));
        return null;
    }

    private Outcome? Get(Key key)
    {
        if (Touch(1) is { } tooMany)
        {
            return tooMany;
        }
        if (!Seen().TryGet(key, out var stored, out var record))
        {
            _results.Add(new TxnGetResult([], 0));
            return null;
        }
        _answerBytes += BytesOf(stored, record);
        if (_answerBytes > state.Limits.MaxTxnGetBytes)
        {
            return new AnswerTooLarge(state.Revision, state.Limits.MaxTxnGetBytes);
        }
        _results.Add(new TxnGetResult([new KeyItem(stored, record)], 1));
        return null;
    }

    private TooManyObjects? GetPrefix(TxnGet get)
    {
        var seen = Seen();
        var limit = get.Limit == 0 ? state.Limits.MaxTxnGetItems : Math.Min(get.Limit, state.Limits.MaxTxnGetItems);
        var items = ImmutableArray.CreateBuilder<KeyItem>();
        foreach (var (key, record) in seen.From(get.Key))
        {
            if (items.Count == limit || !key.StartsWith(get.Key) || _answerBytes + BytesOf(key, record) > state.Limits.MaxTxnGetBytes)
            {
                break;
            }
            if (Touch(1) is { } tooMany)
            {
                return tooMany;
            }
            _answerBytes += BytesOf(key, record);
            items.Add(new KeyItem(key, record));
        }
        _results.Add(new TxnGetResult(items.ToImmutable(), KeysView.CountOf(seen, get.Key)));
        return null;
    }

    private static long BytesOf(Key key, KeyRecord record) => key.Length + record.Value.Length;

    private TooManyObjects? Touch(int objects)
    {
        Touched += objects;
        return Touched > state.Limits.MaxObjectsPerCommand ? new TooManyObjects(state.Revision, state.Limits.MaxObjectsPerCommand) : null;
    }

    private void Remove(Key key, KeyRecord old)
    {
        _growth -= KeyTable.SizeOf(key, old);
        Write(key, old, null);
    }

    private void Write(Key key, KeyRecord? before, KeyRecord? after)
    {
        var change = new KeyChange(state.Revision.Next, key, before, after);
        Changes.Add(change);
        _written.Add(key);
        Attach(before?.Lease ?? LeaseId.None, -1);
        Attach(after?.Lease ?? LeaseId.None, 1);
        if (_overlay is not null)
        {
            WriteTo(_overlay, change);
        }
    }

    private void Attach(LeaseId lease, int count)
    {
        if (!lease.IsNone)
        {
            _attached[lease] = _attached.GetValueOrDefault(lease) + count;
        }
    }

    private FrozenTree<Key, KeyRecord> Seen()
    {
        if (_overlay is null && Changes.Count > 0)
        {
            _overlay = state.Keys.Fork();
            Changes.ForEach(change => WriteTo(_overlay, change));
        }
        return _overlay?.Peek() ?? state.Keys.Peek();
    }

    private static void WriteTo(CowTree<Key, KeyRecord> tree, KeyChange change)
    {
        if (change.After is { } after)
        {
            tree.Set(change.Key, after);
        }
        else
        {
            tree.Remove(change.Key);
        }
    }
}
