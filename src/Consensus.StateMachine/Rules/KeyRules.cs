using System.Runtime.InteropServices;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>Keys: put and deleted one by one or by prefix.</summary>
internal sealed class KeyRules(StateTables state, Applying entry, AccessRules access)
{
    public Outcome Put(PutCommand c)
    {
        state.Keys.TryGet(c.Key, out var stored, out var old);
        if (!Holds(c.Condition, old))
        {
            return Failed(c.Key, old);
        }
        if (!c.Lease.IsNone)
        {
            if (!state.Leases.TryGet(c.Lease, out var lease))
            {
                return new LeaseMissing(state.Revision, c.Lease);
            }
            if (old?.Lease != c.Lease && lease.Attachments >= state.Limits.MaxAttachmentsPerLease)
            {
                return new BoundReached(state.Revision, BoundKind.LeaseAttachments, state.Limits.MaxAttachmentsPerLease);
            }
        }
        var grows = KeyTable.SizeOf(c.Key, c.Value, c.Lease) - KeyTable.SizeOf(c.Key, old);
        if (state.RefuseGrowth(grows) is { } full)
        {
            return full;
        }
        var revision = state.Bump();

        var record = new KeyRecord(Kept(c.Value), old?.CreateRevision ?? revision, revision, (old?.Version ?? 0) + 1, c.Lease);
        var key = old is null ? c.Key : stored;
        Change(new KeyChange(revision, key, old, record));
        return new PutDone(revision, key, record.CreateRevision, revision, record.Version, c.Lease);
    }

    public Outcome Delete(DeleteCommand c)
    {
        state.Keys.TryGet(c.Key, out var stored, out var old);
        if (!Holds(c.Condition, old))
        {
            return Failed(c.Key, old);
        }
        if (old is null)
        {
            return new DeleteDone(state.Revision, 0);
        }
        Change(new KeyChange(state.Bump(), stored, old, null));
        return new DeleteDone(state.Revision, 1);
    }

    public Outcome DeletePrefix(DeletePrefixCommand c)
    {
        // Counted before any is looked at: a refusal is cheap, whoever asks for it again and again.
        if (KeysView.CountOf(state.Keys.Peek(), c.Prefix) > state.Limits.MaxObjectsPerCommand)
        {
            return new TooManyObjects(state.Revision, state.Limits.MaxObjectsPerCommand);
        }
        var found = state.Keys.From(c.Prefix).TakeWhile(item => item.Key.StartsWith(c.Prefix)).ToList();
        var revision = found.Count > 0 ? state.Bump() : state.Revision;
        foreach (var (key, record) in found)
        {
            Change(new KeyChange(revision, key, record, null));
        }
        return new DeleteDone(revision, found.Count);
    }

    /// <summary>Deletes what the lease carries, in one revision; gives how many keys that were.</summary>
    public long DeleteOf(LeaseId lease)
    {
        var keys = state.Keys.Of(lease);
        var revision = keys.Count > 0 ? state.Bump() : state.Revision;
        foreach (var key in keys)
        {
            state.Keys.TryGet(key, out var record);
            Change(new KeyChange(revision, key, record, null));
        }
        return keys.Count;
    }

    /// <summary>Makes one change of a key: the key itself, the lease that carries it, and the history.</summary>
    public void Change(KeyChange change)
    {
        var (leaseBefore, leaseAfter) = (KeyTable.LeaseOf(change.Before), KeyTable.LeaseOf(change.After));
        if (leaseBefore != leaseAfter)
        {
            state.Leases.Attach(leaseBefore, keys: -1);
            state.Leases.Attach(leaseAfter, keys: 1);
        }
        state.Keys.Change(change);
        if (change.After is null)
        {
            entry.Output.Light++;
        }
        else
        {
            entry.Output.Objects++;
        }
        state.History.Add(change, entry.Stamp);
    }

    /// <summary>
    /// A value lies in the array of its logged command. While it is most of it, log, history and state share that array: a copy would have to be collected three
    /// times over. Else the state keeps its own, so that a small value does not hold a large array.
    /// </summary>
    private static ReadOnlyMemory<byte> Kept(ReadOnlyMemory<byte> value) =>
        MemoryMarshal.TryGetArray(value, out var segment) && segment.Array!.Length - value.Length <= value.Length / 4 ? value : value.ToArray();

    /// <summary>
    /// Whoever may write a key without reading it is not told by its conditions what it is: it could ask until one holds.
    /// </summary>
    private ConditionFailed Failed(Key key, KeyRecord? record) => access.MayRead(Spaces.Keys, key)
        ? new ConditionFailed(state.Revision, record?.ModRevision ?? Revision.Zero)
        : new ConditionFailed(state.Revision, Revision.Zero) { IsUntold = true };

    private static bool Holds(KeyCondition condition, KeyRecord? record) => condition.Kind switch
    {
        KeyConditionKind.None => true,
        KeyConditionKind.ModRevisionIs => record is not null && record.ModRevision == condition.ModRevision,
        KeyConditionKind.Absent => record is null,
        KeyConditionKind.Exists => record is not null,
        _ => Invariant.Unreachable<bool>(condition.Kind),
    };
}
