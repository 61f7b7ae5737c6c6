using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    private const int KeyOverheadBytes = 64;

    private readonly CowTree<Key, KeyRecord> _keys = new();
    private long _stateBytes;

    private Outcome Put(PutCommand c)
    {
        _keys.TryGet(c.Key, out var old);
        if (!Holds(c.Condition, old))
        {
            return new ConditionFailed(Revision, old?.ModRevision ?? Revision.Zero);
        }
        if (!c.Lease.IsNone)
        {
            if (!_leases.TryGet(c.Lease, out var lease))
            {
                return new LeaseMissing(Revision, c.Lease);
            }
            if (old?.Lease != c.Lease && lease.Attachments >= _limits.MaxAttachmentsPerLease)
            {
                return new BoundReached(Revision, BoundKind.LeaseAttachments, _limits.MaxAttachmentsPerLease);
            }
        }
        var grows = SizeOf(c.Key, c.Value) - (old is null ? 0 : SizeOf(c.Key, old.Value));
        if (grows > 0 && _stateBytes + grows > _limits.MaxStateBytes)
        {
            return new QuotaExceeded(Revision, _limits.MaxStateBytes);
        }
        var revision = Bump();

        // The logged command's array is as large as the whole entry and is shared with the log: the state keeps its own copy.
        var record = new KeyRecord(c.Value.ToArray(), old?.CreateRevision ?? revision, revision, (old?.Version ?? 0) + 1, c.Lease);
        if (old is not null && old.Lease != c.Lease && !old.Lease.IsNone)
        {
            DetachKey(old.Lease, c.Key);
        }
        if (!c.Lease.IsNone && old?.Lease != c.Lease)
        {
            _leaseKeys.Set(new LeaseItem(c.Lease, c.Key), true);
            ChangeLease(c.Lease, keys: 1);
        }
        _keys.Set(c.Key, record);
        _stateBytes += grows;
        return new PutDone(revision, c.Key, record.CreateRevision, revision, record.Version, c.Lease);
    }

    private Outcome Delete(DeleteCommand c)
    {
        _keys.TryGet(c.Key, out var old);
        if (!Holds(c.Condition, old))
        {
            return new ConditionFailed(Revision, old?.ModRevision ?? Revision.Zero);
        }
        if (old is null)
        {
            return new DeleteDone(Revision, 0);
        }
        RemoveKey(c.Key, old);
        return new DeleteDone(Bump(), 1);
    }

    private Outcome DeletePrefix(DeletePrefixCommand c)
    {
        var found = new List<(Key Key, KeyRecord Record)>();
        foreach (var (key, record) in _keys.Peek().From(c.Prefix))
        {
            if (!key.StartsWith(c.Prefix))
            {
                break;
            }
            if (found.Count == _limits.MaxObjectsPerCommand)
            {
                return new TooManyObjects(Revision, _limits.MaxObjectsPerCommand);
            }
            found.Add((key, record));
        }
        foreach (var (key, record) in found)
        {
            RemoveKey(key, record);
        }
        return new DeleteDone(found.Count > 0 ? Bump() : Revision, found.Count);
    }

    private static bool Holds(KeyCondition condition, KeyRecord? record) => condition.Kind switch
    {
        KeyConditionKind.None => true,
        KeyConditionKind.ModRevisionIs => record is not null && record.ModRevision == condition.ModRevision,
        KeyConditionKind.Absent => record is null,
        KeyConditionKind.Exists => record is not null,
        _ => Invariant.Unreachable<bool>(condition.Kind),
    };

    private void RemoveKey(Key key, KeyRecord record)
    {
        _keys.Remove(key);
        _stateBytes -= SizeOf(key, record.Value);
        if (!record.Lease.IsNone)
        {
            DetachKey(record.Lease, key);
        }
    }

    private void DetachKey(LeaseId lease, Key key)
    {
        _leaseKeys.Remove(new LeaseItem(lease, key));
        ChangeLease(lease, keys: -1);
    }

    private static long SizeOf(Key key, ReadOnlyMemory<byte> value) => key.Length + value.Length + KeyOverheadBytes;
}
