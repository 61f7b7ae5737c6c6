using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Snapshots;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

public sealed partial class ReplicatedState
{
    /// <summary>
    /// Rebuilds the state from a snapshot written by <see cref="SnapshotWriter"/>. Throws <see cref="WireFormatException"/> when it is damaged
    /// or of a format that this version does not know.
    /// </summary>
    public static ReplicatedState Restore(Limits limits, ISnapshotSource source)
    {
        var state = new ReplicatedState(limits);
        // Only its numbers are looked at once its section is gone.
        var meta = default(Fields);
        var began = false;
        while (source.NextSection(out var kind, out var body))
        {
            if (kind == SectionKind.Meta)
            {
                meta = state.LoadMeta(body);
                began = true;
            }
            else if (!began)
            {
                throw new WireFormatException("a snapshot that does not begin with its meta section");
            }
            else
            {
                state.LoadTable(kind, body);
            }
        }
        if (!began || !state.CountsMatch(in meta))
        {
            throw new WireFormatException("a snapshot with sections missing");
        }
        state.RebuildHistory();
        return state;
    }

    private Fields LoadMeta(ReadOnlyMemory<byte> body)
    {
        var meta = new Fields(body, SnapshotSummary.MetaShape, "a snapshot's meta section");
        AppliedIndex = new LogIndex(meta.Number(1));
        AppliedStamp = _stamp = meta.Time(2);
        Revision = new Revision(meta.Number(3));
        Hash = new StateHash((ulong)meta.Number(4));
        (_nextWaiter, _nextFact, _nextKept) = (meta.Number(5), meta.Number(6), meta.Number(7));

        // A snapshot from before there was a history tells nothing of the past.
        CompactRevision = meta.Has(13) ? new Revision(meta.Number(13)) : Revision;
        return meta;
    }

    private bool CountsMatch(in Fields meta) =>
        _keys.Count == meta.Number(8)
        && _leases.Count == meta.Number(9)
        && _soleHolds + _holds.Count == meta.Number(10)
        && _waiters.Count == meta.Number(11)
        && _kept.Count == meta.Number(12)
        && _loadedChanges.Count == meta.Number(14)
        && _fences.Count == meta.Number(15)
        && _forgotten.Count == meta.Number(16)
        && _brief.Count == meta.Number(17);

    private void LoadTable(int kind, ReadOnlyMemory<byte> body)
    {
        var reader = new WireReader(body.Span);
        while (reader.NextField())
        {
            if (reader.Field != 1)
            {
                reader.RefuseUnknown("a snapshot section");
            }
            var part = reader.Bytes();
            var item = body.Slice(body.Length - reader.Remaining - part.Length, part.Length);
            switch (kind)
            {
                case SectionKind.Leases:
                    LoadLease(new Fields(item, "fvvv", "a lease"));
                    break;
                case SectionKind.Keys:
                    LoadKey(new Fields(item, KeyRecordCodec.Shape, "a key"));
                    break;
                case SectionKind.Locks:
                    LoadLock(new Fields(item, "bbNBvvvbv", "a lock"));
                    break;
                case SectionKind.Holds:
                    LoadHold(new Fields(item, "vbb", "a hold of an object"));
                    break;
                case SectionKind.Waiters:
                    LoadWaiter(new Fields(item, "vbbbbbbvffvvvvvvvvbb", "a waiter"));
                    break;
                case SectionKind.Kept:
                    LoadKept(new Fields(item, "bbvvbvbvvvvb", "a kept outcome"));
                    break;
                case SectionKind.Members:
                    var member = new Fields(item, "fbfbbbv", "a member");
                    var id = new MemberId(member.Number(1));
                    _members.Set(id, new MemberInfo(
                        id, member.Text(2), member.Number(3), member.Text(4), member.Text(5), member.Text(6), (int)member.Number(7)));
                    break;
                case SectionKind.History:
                    LoadChange(new Fields(item, "vvbbb", "a change"));
                    break;
                case SectionKind.Fences:
                    var fence = new Fields(item, "bv", "a fence");
                    _fences.Set(fence.Key(1), new FencingToken(fence.Number(2)));
                    break;
                case SectionKind.Forgotten:
                    LoadForgotten(new Fields(item, "bbvvv", "a forgotten outcome"));
                    break;
                case SectionKind.Brief:
                    LoadBrief(new Fields(item, BriefAnswer.Shape, "a brief answer"));
                    break;
                default:
                    throw new WireFormatException($"a snapshot section of the kind {kind}, which this version does not know");
            }
        }
    }

    private void LoadLease(in Fields fields)
    {
        var lease = new LeaseRecord(fields.Lease(1), fields.Number(2), fields.Time(3), 0, 0, 0, fields.Flag(4));
        _leases.Set(lease.Id, lease);
        _leaseDeadlines.Set(new Due(lease.Deadline, lease.Id.Value), true);
    }

    private void LoadKey(in Fields fields)
    {
        var key = fields.Key(1);
        var record = KeyRecordCodec.Read(fields, fields.Bytes(2).ToArray());
        _keys.Set(key, record);
        _stateBytes += SizeOf(key, record.Value);
        if (!record.Lease.IsNone)
        {
            _leaseKeys.Set(new LeaseItem(record.Lease, key), true);
            ChangeLease(record.Lease, keys: 1);
        }
    }

    private void LoadKept(in Fields fields)
    {
        var kind = fields.Number(6);
        if (!Enum.IsDefined((EffectKind)kind))
        {
            throw new WireFormatException($"a kept outcome of the unknown kind {kind}");
        }
        var identity = new Identity(fields.Text(1), fields.Key(2));
        var kept = new KeptOutcome(
            fields.Number(3),
            fields.Time(4),
            fields.Bytes(5).ToArray(),
            (EffectKind)kind,
            fields.Key(7),
            fields.Number(8),
            fields.Number(9),
            fields.Number(10),
            fields.Number(11),
            fields.Bytes(12).ToArray());
        CheckKeptHolds(kept);
        if (kept.Kind == EffectKind.TxnDone)
        {
            TxnResultCodec.Read(kept.Blob);
        }
        _kept.Set(identity, kept);
        _keptByAge.Set(kept.Sequence, identity);
        _keptBytes += SizeOf(identity, kept);
    }
}
