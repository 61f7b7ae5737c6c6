using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Wire;

namespace Consensus.Storage.Log;

/// <summary>
/// The payload of a frame: records in order, each one a field of a Protocol Buffers message. A record of an unknown kind is refused: a
/// member that left out a part of its log could vote twice or lose an entry (rule 12).
/// </summary>
internal static class LogRecords
{
    private const int EntryField = 1;
    private const int HardStateField = 2;
    private const int InstalledSnapshotField = 3;
    private const int TakenSnapshotField = 4;
    private const int CommitField = 5;

    public static void WriteEntry(WireWriter writer, Entry entry)
    {
        var start = writer.BeginMessage(EntryField);
        RaftCodec.WriteEntry(writer, entry);
        writer.EndMessage(start);
    }

    public static void WriteHardState(WireWriter writer, HardState state)
    {
        var start = writer.BeginMessage(HardStateField);
        writer.Int64(1, state.Term.Value);
        writer.Fixed64(2, (ulong)state.VotedFor.Value);
        writer.EndMessage(start);
    }

    public static void WriteInstalledSnapshot(WireWriter writer, SnapshotMark mark) => WriteMark(writer, InstalledSnapshotField, mark);

    public static void WriteTakenSnapshot(WireWriter writer, SnapshotMark mark) => WriteMark(writer, TakenSnapshotField, mark);

    public static void WriteCommit(WireWriter writer, LogIndex commit) => writer.Int64(CommitField, commit.Value);

    /// <summary>Gives each record of a payload to <paramref name="replay"/>. Throws <see cref="WireFormatException"/> at the first that cannot be.</summary>
    public static void Read(ReadOnlySpan<byte> payload, LogReplay replay)
    {
        var reader = new WireReader(payload);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case EntryField:
                    replay.Append(RaftCodec.ReadEntry(reader.Bytes()));
                    break;
                case HardStateField:
                    replay.Vote(ReadHardState(reader.Bytes()));
                    break;
                case InstalledSnapshotField:
                    replay.Install(RaftCodec.ReadSnapshotMark(reader.Bytes()));
                    break;
                case TakenSnapshotField:
                    replay.Take(RaftCodec.ReadSnapshotMark(reader.Bytes()));
                    break;
                case CommitField:
                    replay.Commit(new LogIndex(reader.Int64()));
                    break;
                default:
                    reader.RefuseUnknown("a frame");
                    break;
            }
        }
    }

    private static void WriteMark(WireWriter writer, int field, SnapshotMark mark)
    {
        var start = writer.BeginMessage(field);
        RaftCodec.WriteSnapshotMark(writer, mark);
        writer.EndMessage(start);
    }

    private static HardState ReadHardState(ReadOnlySpan<byte> bytes)
    {
        long term = 0, vote = 0;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1: term = reader.Int64(); break;
                case 2: vote = (long)reader.Fixed64(); break;
                default: reader.RefuseUnknown("a hard state"); break;
            }
        }
        return new HardState(new Term(term), new MemberId(vote));
    }
}
