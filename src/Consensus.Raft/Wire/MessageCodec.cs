using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;

namespace Consensus.Raft.Wire;

/// <summary>Messages between members: each type is one field of the envelope, and its body starts with sender, receiver and term.</summary>
internal static class MessageCodec
{
    private const int PreVoteRequestField = 1;
    private const int PreVoteResponseField = 2;
    private const int VoteRequestField = 3;
    private const int VoteResponseField = 4;
    private const int AppendRequestField = 5;
    private const int AppendResponseField = 6;
    private const int HeartbeatRequestField = 7;
    private const int HeartbeatResponseField = 8;
    private const int InstallSnapshotRequestField = 9;
    private const int TimeoutNowRequestField = 10;
    private const int ReadIndexRequestField = 11;
    private const int ReadIndexResponseField = 12;

    public static void Write(WireWriter writer, Message message)
    {
        var body = writer.BeginMessage(FieldOf(message));
        writer.Fixed64(1, (ulong)message.From.Value);
        writer.Fixed64(2, (ulong)message.To.Value);
        writer.Int64(3, message.Term.Value);
        WriteBody(writer, message);
        writer.EndMessage(body);
    }

    public static Message? Read(ReadOnlySpan<byte> bytes)
    {
        Message? message = null;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            if (reader.Field > ReadIndexResponseField)
            {
                reader.Skip();
                continue;
            }
            if (message is not null)
            {
                throw new WireFormatException("a message has two bodies");
            }
            message = ReadBody(reader.Field, reader.Bytes());
        }
        return message;
    }

    private static int FieldOf(Message message) => message switch
    {
        PreVoteRequest => PreVoteRequestField,
        PreVoteResponse => PreVoteResponseField,
        VoteRequest => VoteRequestField,
        VoteResponse => VoteResponseField,
        AppendRequest => AppendRequestField,
        AppendResponse => AppendResponseField,
        HeartbeatRequest => HeartbeatRequestField,
        HeartbeatResponse => HeartbeatResponseField,
        InstallSnapshotRequest => InstallSnapshotRequestField,
        TimeoutNowRequest => TimeoutNowRequestField,
        ReadIndexRequest => ReadIndexRequestField,
        ReadIndexResponse => ReadIndexResponseField,
        _ => Invariant.Unreachable<int>(message),
    };

    private static void WriteBody(WireWriter writer, Message message)
    {
        switch (message)
        {
            case PreVoteRequest m:
                writer.Int64(4, m.LastIndex.Value);
                writer.Int64(5, m.LastTerm.Value);
                writer.Bool(6, m.LeaderGone);
                WriteBoot(writer, m.Boot);
                break;
            case PreVoteResponse m:
                writer.Bool(4, m.Granted);
                WriteBoot(writer, m.Boot);
                break;
            case VoteRequest m:
                writer.Int64(4, m.LastIndex.Value);
                writer.Int64(5, m.LastTerm.Value);
                writer.Bool(6, m.Disruptive);
                break;
            case VoteResponse m:
                writer.Bool(4, m.Granted);
                break;
            case AppendRequest m:
                WriteAppendRequest(writer, m);
                break;
            case AppendResponse m:
                writer.Bool(4, m.Success);
                writer.Int64(5, m.MatchIndex.Value);
                writer.Int64(6, m.HintIndex.Value);
                writer.Int64(7, m.HintTerm.Value);
                writer.Int64(8, m.ReadRound);
                break;
            case HeartbeatRequest m:
                writer.Int64(4, m.Commit.Value);
                writer.Int64(5, m.Clock.Micros);
                writer.Int64(6, m.ReadRound);
                writer.Int64(7, m.SentMicros);
                writer.Int64(8, m.RoundTripMicros);
                break;
            case HeartbeatResponse m:
                writer.Int64(4, m.ReadRound);
                writer.Int64(5, m.SentMicros);
                break;
            case InstallSnapshotRequest m:
                var mark = writer.BeginMessage(4);
                RaftCodec.WriteSnapshotMark(writer, m.Mark);
                writer.EndMessage(mark);
                writer.Int64(5, m.Clock.Micros);
                writer.Int64(6, m.Transfer);
                break;
            case TimeoutNowRequest:
                break;
            case ReadIndexRequest m:
                writer.Int64(4, m.Context);
                WriteBoot(writer, m.Boot);
                break;
            case ReadIndexResponse m:
                writer.Int64(4, m.Context);
                writer.Int64(5, m.Index.Value);
                writer.Bool(6, m.Refused);
                WriteBoot(writer, m.Boot);
                break;
            default:
                Invariant.Unreachable<int>(message);
                break;
        }
    }

    private static void WriteBoot(WireWriter writer, long boot) => writer.Fixed64(NumberFields.BootField, (ulong)boot);

    private static void WriteAppendRequest(WireWriter writer, AppendRequest message)
    {
        writer.Int64(4, message.PreviousIndex.Value);
        writer.Int64(5, message.PreviousTerm.Value);
        for (var i = 0; i < message.Entries.Count; i++)
        {
            var entry = writer.BeginMessage(6);
            RaftCodec.WriteEntry(writer, message.Entries[i]);
            writer.EndMessage(entry);
        }
        writer.Int64(7, message.Commit.Value);
        writer.Int64(8, message.Clock.Micros);
        writer.Int64(9, message.ReadRound);
        writer.Bool(10, message.IsQuiet);
    }

    private static Message ReadBody(int type, ReadOnlySpan<byte> bytes)
    {
        switch (type)
        {
            case AppendRequestField:
                return ReadAppendRequest(bytes);
            case InstallSnapshotRequestField:
                return ReadInstallSnapshotRequest(bytes);
            default:
                break;
        }
        var f = new NumberFields(stackalloc long[NumberFields.Count]);
        f.Read(bytes);
        return type switch
        {
            PreVoteRequestField => new PreVoteRequest(f.From, f.To, f.Term(3), f.Index(4), f.Term(5), f.Flag(6)) { Boot = f.Boot },
            PreVoteResponseField => new PreVoteResponse(f.From, f.To, f.Term(3), f.Flag(4)) { Boot = f.Boot },
            VoteRequestField => new VoteRequest(f.From, f.To, f.Term(3), f.Index(4), f.Term(5), f.Flag(6)),
            VoteResponseField => new VoteResponse(f.From, f.To, f.Term(3), f.Flag(4)),
            AppendResponseField => new AppendResponse(
                f.From, f.To, f.Term(3), f.Flag(4), f.Index(5), f.Index(6), f.Term(7), f.NotNegative(8)),
            HeartbeatRequestField => new HeartbeatRequest(
                f.From, f.To, f.Term(3), f.Index(4), new ClusterTime(f.NotNegative(5)), f.NotNegative(6))
            { SentMicros = f.NotNegative(7), RoundTripMicros = f.NotNegative(8) },
            HeartbeatResponseField => new HeartbeatResponse(f.From, f.To, f.Term(3), f.NotNegative(4)) { SentMicros = f.NotNegative(5) },
            TimeoutNowRequestField => new TimeoutNowRequest(f.From, f.To, f.Term(3)),
            ReadIndexRequestField => new ReadIndexRequest(f.From, f.To, f.Term(3), f.Any(4)) { Boot = f.Boot },
            ReadIndexResponseField => new ReadIndexResponse(f.From, f.To, f.Term(3), f.Any(4), f.Index(5), f.Flag(6)) { Boot = f.Boot },
            _ => Invariant.Unreachable<Message>(type),
        };
    }

    private static AppendRequest ReadAppendRequest(ReadOnlySpan<byte> bytes)
    {
        MemberId from = default, to = default;
        long term = 0, previousIndex = 0, previousTerm = 0, commit = 0, clock = 0, readRound = 0;
        var quiet = false;
        List<Entry>? entries = null;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    from = RaftCodec.ReadMemberId(ref reader);
                    break;
                case 2:
                    to = RaftCodec.ReadMemberId(ref reader);
                    break;
                case 3:
                    term = RaftCodec.NotNegative(ref reader);
                    break;
                case 4:
                    previousIndex = RaftCodec.NotNegative(ref reader);
                    break;
                case 5:
                    previousTerm = RaftCodec.NotNegative(ref reader);
                    break;
                case 6:
                    (entries ??= []).Add(RaftCodec.ReadEntry(reader.Bytes()));
                    break;
                case 7:
                    commit = RaftCodec.NotNegative(ref reader);
                    break;
                case 8:
                    clock = RaftCodec.NotNegative(ref reader);
                    break;
                case 9:
                    readRound = RaftCodec.NotNegative(ref reader);
                    break;
                case 10:
                    quiet = reader.Bool();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new AppendRequest(
            from, to, new Term(term), new LogIndex(previousIndex), new Term(previousTerm), entries ?? (IReadOnlyList<Entry>)[],
            new LogIndex(commit), new ClusterTime(clock), readRound)
        { IsQuiet = quiet };
    }

    private static InstallSnapshotRequest ReadInstallSnapshotRequest(ReadOnlySpan<byte> bytes)
    {
        MemberId from = default, to = default;
        long term = 0, clock = 0, transfer = 0;
        SnapshotMark? mark = null;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    from = RaftCodec.ReadMemberId(ref reader);
                    break;
                case 2:
                    to = RaftCodec.ReadMemberId(ref reader);
                    break;
                case 3:
                    term = RaftCodec.NotNegative(ref reader);
                    break;
                case 4:
                    mark = RaftCodec.ReadSnapshotMark(reader.Bytes());
                    break;
                case 5:
                    clock = RaftCodec.NotNegative(ref reader);
                    break;
                case 6:
                    transfer = RaftCodec.NotNegative(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new InstallSnapshotRequest(
            from, to, new Term(term), mark ?? throw new WireFormatException("a snapshot has no mark"), new ClusterTime(clock))
        { Transfer = transfer };
    }
}
