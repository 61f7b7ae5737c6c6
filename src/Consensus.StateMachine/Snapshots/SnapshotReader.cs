using Consensus.Primitives.Wire;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Snapshots;

/// <summary>Gives the sections of a snapshot to the tables that wrote them.</summary>
internal static class SnapshotReader
{
    /// <summary>Fills empty tables. Throws <see cref="WireFormatException"/> when the snapshot is damaged, or of a format that this version does not know.</summary>
    public static MetaSection Read(ISnapshotSource source, StateTables tables)
    {
        if (!source.NextSection(out var kind, out var body))
        {
            throw new WireFormatException("a snapshot with sections missing");
        }
        var meta = MetaSection.Read(kind, body);
        tables.Revision = meta.Revision;
        tables.Counters = meta.Counters;
        tables.History.BeginLoad(meta.CompactRevision);
        while (source.NextSection(out kind, out body))
        {
            ReadSection(kind, body, meta, tables);
        }
        var loaded = tables.Counts with { Changes = tables.History.LoadedCount, HistoryBytes = 0, StateBytes = 0, QuotaBytes = 0 };
        if (loaded != meta.Counts)
        {
            throw new WireFormatException("a snapshot with sections missing");
        }
        tables.History.EndLoad(tables.Keys);
        if (tables.Digest != meta.Digest)
        {
            throw new WireFormatException("a snapshot that has not what its writer had");
        }
        return meta;
    }

    private static void ReadSection(int kind, ReadOnlyMemory<byte> body, MetaSection meta, StateTables tables)
    {
        var reader = new WireReader(body.Span);
        while (reader.NextField())
        {
            if (reader.Field != 1)
            {
                reader.RefuseUnknown("a snapshot section");
            }
            ReadItem(kind, Fields.Slice(body, ref reader), meta, tables);
        }
    }

    private static void ReadItem(int kind, ReadOnlyMemory<byte> item, MetaSection meta, StateTables tables)
    {
        switch (kind)
        {
            case SectionKind.Leases:
                tables.Leases.Load(item);
                break;
            case SectionKind.Sessions:
                tables.Sessions.Load(item, tables.Leases);
                break;
            case SectionKind.Keys:
                tables.Leases.Attach(tables.Keys.Load(item), keys: 1);
                break;
            case SectionKind.Objects:
                var name = tables.Objects.Load(item, out var sole);
                if (sole is { } hold)
                {
                    tables.Sessions.Add(name, tables.Holds.Load(name, hold, tables.Leases));
                }
                break;
            case SectionKind.Holds:
                var (of, shared) = tables.Holds.Load(item, tables.Leases);
                tables.Sessions.Add(of, shared);
                break;
            case SectionKind.Released:
                tables.Released.Load(item);
                break;
            case SectionKind.Waiters:
                var waiter = tables.Waiters.Load(item);
                tables.Leases.Attach(waiter.SharedLease, waiters: 1);
                tables.Objects.LoadWaiter(waiter);
                tables.Sessions.Add(waiter);
                break;
            case SectionKind.Kept:
                tables.Answers.Kept.Load(item);
                break;
            case SectionKind.Members:
                tables.Members.Load(item);
                break;
            case SectionKind.History:
                tables.History.Load(item, meta.Revision, meta.AppliedStamp);
                break;
            case SectionKind.Fences:
                tables.Fences.Load(item);
                break;
            case SectionKind.Forgotten:
                tables.Answers.LoadForgotten(item);
                break;
            case SectionKind.Outages:
                tables.Outages.Load(item);
                break;
            case SectionKind.Detaching:
                tables.Detaching.Load(item);
                break;
            case SectionKind.Brief:
                tables.Answers.LoadBrief(item);
                break;
            case SectionKind.Settings:
                tables.Settings.Load(item);
                break;
            case SectionKind.SessionAnswers:
                tables.Sessions.LoadAnswer(item);
                break;
            case SectionKind.SessionEnds:
                tables.Sessions.LoadEnded(item);
                break;
            case SectionKind.Roles:
                tables.Policies.LoadRole(item);
                break;
            case SectionKind.Principals:
                tables.Policies.LoadPrincipal(item);
                break;
            case SectionKind.Revocations:
                tables.Policies.LoadRevocation(item);
                break;
            case SectionKind.Tokens:
                tables.Policies.LoadToken(item);
                break;
            case SectionKind.Sweep:
                tables.Policies.LoadSweep(item);
                break;
            default:
                throw new WireFormatException($"a snapshot section of the kind {kind}, which this version does not know here");
        }
    }
}
