using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Snapshots;

/// <summary>Where a snapshot's sections go: the storage room adds framing and checksums to each (rule 13).</summary>
public interface ISnapshotSink
{
    /// <summary>Adds one section. Large tables come as many sections of at most about 64 KiB of the same <paramref name="kind"/>.</summary>
    void Section(int kind, ReadOnlySpan<byte> body);
}

/// <summary>Where a snapshot's sections come from, checked against their checksums already.</summary>
public interface ISnapshotSource
{
    /// <summary>The next section, or false at the end. <paramref name="body"/> is valid until the next call.</summary>
    bool NextSection(out int kind, out ReadOnlyMemory<byte> body);
}

/// <summary>The kinds of section, in the order in which they are written. The numbers are in files.</summary>
internal static class SectionKind
{
    public const int Meta = 1;
    public const int Leases = 2;
    public const int Keys = 3;
    public const int Locks = 4;
    public const int Waiters = 5;
    public const int Kept = 6;
    public const int Members = 7;
    public const int History = 8;
    public const int Fences = 9;

    /// <summary>Shared and counted ones, right after the locks, which keep their sole holds.</summary>
    public const int Holds = 10;

    public const int Forgotten = 11;

    public const int Brief = 12;
}

/// <summary>Encodes a view as snapshot sections of <c>snapshot.proto</c>, in an order that depends on the state alone.</summary>
public static partial class SnapshotWriter
{
    private const int SectionBytes = 60 * 1024;

    public static void Write(StateView view, ISnapshotSink sink)
    {
        var writer = new WireWriter(SectionBytes + 4096);
        var tables = view.Tables;
        WriteMeta(writer, view);
        sink.Section(SectionKind.Meta, writer.Written);
        Table(writer, sink, SectionKind.Leases, tables.Leases.All(), static (w, item) => WriteLease(w, item.Value));
        Table(writer, sink, SectionKind.Keys, tables.Keys.All(), static (w, item) => KeyRecordCodec.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Locks, tables.Locks.All(), static (w, item) => HoldSections.WriteLock(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Holds, tables.Holds.All(), static (w, item) => HoldSections.WriteHold(w, item.Key.Object, item.Value));
        Table(writer, sink, SectionKind.Waiters, tables.Waiters.All(), static (w, item) => HoldSections.WriteWaiter(w, item.Value));
        Table(writer, sink, SectionKind.Kept, tables.Kept.All(), static (w, item) => WriteKept(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Members, tables.Members.All(), static (w, item) => WriteMember(w, item.Value));
        Table(writer, sink, SectionKind.History, tables.History.From(Revision.Zero), static (w, item) => WriteChange(w, item));
        Table(writer, sink, SectionKind.Fences, tables.Fences.All(), static (w, item) => WriteFence(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Forgotten, tables.Forgotten.All(), static (w, item) => WriteForgotten(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Brief, tables.Brief.All(), static (w, item) => item.Value.Write(w, item.Key));
    }

    private static void Table<T>(WireWriter writer, ISnapshotSink sink, int kind, IEnumerable<T> items, Action<WireWriter, T> write)
    {
        writer.Clear();
        foreach (var item in items)
        {
            var start = writer.BeginMessage(1);
            write(writer, item);
            writer.EndMessage(start);
            if (writer.Length >= SectionBytes)
            {
                sink.Section(kind, writer.Written);
                writer.Clear();
            }
        }
        if (writer.Length > 0)
        {
            sink.Section(kind, writer.Written);
        }
    }

    private static void WriteMeta(WireWriter writer, StateView view)
    {
        writer.Int64(1, view.AppliedIndex.Value);
        writer.Int64(2, view.AppliedStamp.Micros);
        writer.Int64(3, view.Revision.Value);
        writer.Fixed64(4, view.Hash.Value);
        writer.Int64(5, view.Counters.NextWaiter);
        writer.Int64(6, view.Counters.NextFact);
        writer.Int64(7, view.Counters.NextKept);
        writer.Int64(8, view.Counts.Keys);
        writer.Int64(9, view.Counts.Leases);
        writer.Int64(10, view.Counts.LocksHeld);
        writer.Int64(11, view.Counts.Waiters);
        writer.Int64(12, view.Counts.IdempotencyKeys);
        writer.Int64Always(13, view.CompactRevision.Value);
        writer.Int64(14, view.Counts.Changes);
        writer.Int64(15, view.Counts.Fences);
        writer.Int64(16, view.Counts.ForgottenKeys);
        writer.Int64(17, view.Counts.BriefAnswers);
    }

    private static void WriteLease(WireWriter writer, LeaseRecord lease)
    {
        writer.Fixed64(1, (ulong)lease.Id.Value);
        writer.Int64(2, lease.TtlMicros);
        writer.Int64(3, lease.Deadline.Micros);
        writer.Bool(4, lease.IsOwn);
    }

    private static void WriteKept(WireWriter writer, Identity identity, KeptOutcome kept)
    {
        writer.String(1, identity.Principal);
        writer.Bytes(2, identity.IdempotencyKey.Bytes);
        writer.Int64(3, kept.Sequence);
        writer.Int64(4, kept.Stored.Micros);
        writer.Bytes(5, kept.Fingerprint.Span);
        writer.Int64(6, (int)kept.Kind);
        writer.Bytes(7, kept.Key.Bytes);
        writer.Int64(8, kept.A);
        writer.Int64(9, kept.B);
        writer.Int64(10, kept.C);
        writer.Int64(11, kept.D);
        writer.Bytes(12, kept.Blob.Span);
    }

    private static void WriteForgotten(WireWriter writer, Identity identity, ForgottenOutcome forgotten)
    {
        writer.String(1, identity.Principal);
        writer.Bytes(2, identity.IdempotencyKey.Bytes);
        writer.Int64(3, forgotten.Sequence);
        writer.Int64(4, forgotten.Dropped.Micros);
        writer.Int64(5, (int)forgotten.Kind);
    }

    private static void WriteMember(WireWriter writer, MemberInfo member)
    {
        writer.Fixed64(1, (ulong)member.Id.Value);
        writer.String(2, member.Name);
        writer.Fixed64(3, (ulong)member.Boot);
        writer.String(4, member.ClientUrl);
        writer.String(5, member.PeerAddress);
        writer.String(6, member.Version);
        writer.Int64(7, member.FeatureLevel);
    }
}
