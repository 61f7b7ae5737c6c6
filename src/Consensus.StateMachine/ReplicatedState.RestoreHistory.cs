using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    /// <summary>Changes as a snapshot holds them, in their order: without what the keys became. Empty but during a restore.</summary>
    private readonly List<Recorded> _loadedChanges = [];

    private void LoadChange(in Fields fields)
    {
        var revision = new Revision(fields.Number(1));
        var stamp = fields.Time(2);
        var isAfterTheLast = _loadedChanges is not [.., var last] || (revision >= last.Change.Revision && stamp >= last.Stamp);
        if (!isAfterTheLast || revision <= CompactRevision || revision > Revision || stamp > AppliedStamp)
        {
            throw new WireFormatException("a history that is not in order");
        }
        Change change = fields.Has(5)
            ? new ElectionChange(revision, fields.Key(3), LoadLeader(fields.Key(3), new Fields(fields.Bytes(5), "b", "an election")))
            : new KeyChange(revision, fields.Key(3), fields.Has(4) ? LoadBefore(fields.Bytes(4)) : null, null);
        _loadedChanges.Add(new Recorded(change, stamp));
    }

    private static KeyRecord LoadBefore(ReadOnlyMemory<byte> bytes)
    {
        var fields = new Fields(bytes, KeyRecordCodec.Shape, "a key as it was");
        return KeyRecordCodec.Read(fields, fields.Bytes(2).ToArray());
    }

    private static Hold? LoadLeader(Key name, in Fields election)
    {
        if (!election.Has(1))
        {
            return null;
        }
        var fields = new Fields(election.Bytes(1), "bvfvvvvvbb", "a leader");
        return new Hold(
            name, fields.Text(1), new FencingToken(fields.Number(2)), fields.Lease(3), fields.Number(4), new Revision(fields.Number(5)), fields.Time(6))
        {
            Space = HoldSpace.Election,
            HoldUntil = fields.Time(7),
            LockDelayMicros = fields.Number(8),
            Metadata = fields.Bytes(9).ToArray(),
            Value = fields.Bytes(10).ToArray(),
        };
    }

    /// <summary>From the newest change to the oldest, so that what a key became is known: what its next change found, or the key as it stands.</summary>
    private void RebuildHistory()
    {
        var later = new Dictionary<Key, KeyChange>();
        for (var i = _loadedChanges.Count - 1; i >= 0; i--)
        {
            if (_loadedChanges[i].Change is KeyChange change)
            {
                var whole = Complete(change, later);
                later[whole.Key] = whole;
                _loadedChanges[i] = _loadedChanges[i] with { Change = whole };
            }
        }
        foreach (var recorded in _loadedChanges)
        {
            _history.Append(recorded);
            _lastChange = recorded.Change.Revision;
        }
        _loadedChanges.Clear();
        _loadedChanges.TrimExcess();
    }

    private KeyChange Complete(KeyChange change, Dictionary<Key, KeyChange> later)
    {
        var key = change.Key;
        KeyRecord? after = null;
        var isOnce = true;
        if (later.TryGetValue(key, out var next))
        {
            (key, after, isOnce) = (next.Key, next.Before, next.Revision != change.Revision);
        }
        else if (_keys.Peek().TryGet(key, out var stored, out var present))
        {
            (key, after) = (stored, present);
        }
        var fits = after is null ? change.Before is not null : after.ModRevision == change.Revision;
        return fits && isOnce
            ? new KeyChange(change.Revision, key, change.Before, after)
            : throw new WireFormatException("a history that does not lead to the present keys");
    }
}
