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

/// <summary>Encodes a view as snapshot sections of <c>snapshot.proto</c>, in an order that depends on the state alone.</summary>
public static class SnapshotWriter
{
    private const int SectionBytes = 60 * 1024;

    public static void Write(StateView view, ISnapshotSink sink)
    {
        var writer = new WireWriter(SectionBytes + 4096);
        var tables = view.Tables;
        MetaSection.Write(writer, view);
        sink.Section(SectionKind.Meta, writer.Written);
        Table(writer, sink, SectionKind.Leases, tables.Leases.All(), static (w, item) => LeaseTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.Sessions, tables.Sessions.Sessions.All(), static (w, item) => SessionTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.Keys, tables.Keys.ByKey.All(), static (w, item) => KeyTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Objects, tables.Objects.All(), static (w, item) => ObjectTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Holds, tables.Holds.Shared.All(), static (w, item) => HoldTable.Write(w, item.Key.Object, item.Value));
        Table(writer, sink, SectionKind.Released, tables.Released.All(), static (w, item) => ReleasedTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Waiters, tables.Waiters.Places.All(), static (w, item) => WaiterTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.Kept, tables.Answers.Kept.All(), static (w, item) => KeptAnswers.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Members, tables.Members.All(), static (w, item) => MemberTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.History, tables.History.From(Revision.Zero), HistoryTable.Write);
        Table(writer, sink, SectionKind.Fences, tables.Fences.All(), static (w, item) => FenceTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Forgotten, tables.Answers.Forgotten.All(), static (w, item) => ForgottenAnswers.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Brief, tables.Answers.Brief.All(), static (w, item) => BriefAnswerCodec.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Settings, tables.Settings.All(), static (w, item) => SettingTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Outages, view.Counters.Outages, Outages.Write);
        var detaching = tables.Detaching.All();
        Table(writer, sink, SectionKind.Detaching, detaching, static (w, item) => DetachingTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.SessionAnswers, tables.Sessions.Answers.All(), static (w, item) => SessionTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.SessionEnds, tables.Sessions.Ended.All(), static (w, item) => SessionTable.Write(w, item.Key, item.Value));
        Table(writer, sink, SectionKind.Roles, tables.Policies.Roles.All(), static (w, item) => PolicyTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.Principals, tables.Policies.Principals.All(), static (w, item) => PolicyTable.Write(w, item.Value));
        Table(
            writer, sink, SectionKind.Revocations, tables.Policies.Revocations.All(), static (w, item) => PolicyTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.Tokens, tables.Policies.Tokens.All(), static (w, item) => TokenTable.Write(w, item.Value));
        Table(writer, sink, SectionKind.Sweep, tables.Policies.Sweep.All(), static (w, item) => PolicyTable.Write(w, item.Key));
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
}
