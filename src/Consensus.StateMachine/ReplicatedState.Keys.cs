using System.Runtime.InteropServices;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    private const int KeyOverheadBytes = 64;

    private readonly CowTree<Key, KeyRecord> _keys = new();
    private long _stateBytes;

    private Outcome Put(PutCommand c)
    {
        _keys.Peek().TryGet(c.Key, out var stored, out var old);
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
        var grows = SizeOf(c.Key, c.Value) - SizeOf(c.Key, old);
        if (grows > 0 && _stateBytes + grows > _limits.MaxStateBytes)
        {
            return new QuotaExceeded(Revision, _limits.MaxStateBytes);
        }
        var revision = Bump();

        var record = new KeyRecord(Kept(c.Value), old?.CreateRevision ?? revision, revision, (old?.Version ?? 0) + 1, c.Lease);
        var key = old is null ? c.Key : stored;
        ChangeKey(new KeyChange(revision, key, old, record));
        return new PutDone(revision, key, record.CreateRevision, revision, record.Version, c.Lease);
    }

    /// <summary>
    /// A value lies in the array of its logged command. While it is most of it, log, history and state share that array: a copy would have to be collected three
    /// times over. Else the state keeps its own, so that a small value does not hold a large array.
    /// </summary>
    private static ReadOnlyMemory<byte> Kept(ReadOnlyMemory<byte> value) =>
        MemoryMarshal.TryGetArray(value, out var segment) && segment.Array!.Length - value.Length <= value.Length / 4 ? value : value.ToArray();

    private Outcome Delete(DeleteCommand c)
    {
        _keys.Peek().TryGet(c.Key, out var stored, out var old);
        if (!Holds(c.Condition, old))
        {
            return new ConditionFailed(Revision, old?.ModRevision ?? Revision.Zero);
        }
        if (old is null)
        {
            return new DeleteDone(Revision, 0);
        }
        ChangeKey(new KeyChange(Bump(), stored, old, null));
        return new DeleteDone(Revision, 1);
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
        var revision = found.Count > 0 ? Bump() : Revision;
        foreach (var (key, record) in found)
        {
            ChangeKey(new KeyChange(revision, key, record, null));
        }
        return new DeleteDone(revision, found.Count);
    }

    private static bool Holds(KeyCondition condition, KeyRecord? record) => condition.Kind switch
    {
        KeyConditionKind.None => true,
        KeyConditionKind.ModRevisionIs => record is not null && record.ModRevision == condition.ModRevision,
        KeyConditionKind.Absent => record is null,
        KeyConditionKind.Exists => record is not null,
        _ => Invariant.Unreachable<bool>(condition.Kind),
    };

    private static long SizeOf(Key key, KeyRecord? record) => record is null ? 0 : SizeOf(key, record.Value);

    internal static long SizeOf(Key key, ReadOnlyMemory<byte> value) => key.Length + value.Length + KeyOverheadBytes;
}
