using System.Buffers.Binary;
using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;

namespace Consensus.Raft.Wire;

/// <summary>Entries, configurations, snapshot marks and messages in the Protocol Buffers wire format of <c>raft.proto</c>.</summary>
/// <remarks>
/// What is part of replicated state (entries, configurations, marks) refuses what it does not know; messages skip it (rule 12). Any bytes that
/// are not what they should be throw <see cref="WireFormatException"/> and nothing else.
/// </remarks>
public static class RaftCodec
{
    /// <summary>Writes the fields of an entry envelope (no length prefix).</summary>
    public static void WriteEntry(WireWriter writer, Entry entry)
    {
        writer.Int64(1, entry.Term.Value);
        writer.Int64(2, entry.Index.Value);
        writer.Int64(3, (int)entry.Kind);
        writer.Int64(4, entry.Stamp.Micros);
        if (entry.Request != RequestId.None)
        {
            var request = writer.BeginMessage(5);
            writer.Fixed64(1, (ulong)entry.Request.Member.Value);
            writer.Fixed64(2, (ulong)entry.Request.Boot);
            writer.Int64(3, entry.Request.Sequence);
            writer.EndMessage(request);
        }
        writer.String(6, entry.Principal);
        writer.Int64(7, entry.FeatureLevel);
        writer.Bytes(8, entry.Payload.Span);
    }

    /// <summary>Reads an entry envelope; the payload is a copy. An unknown field, kind or type throws <see cref="WireFormatException"/> (rule 12).</summary>
    public static Entry ReadEntry(ReadOnlySpan<byte> bytes)
    {
        long term = 0, index = 0, kind = 0, stamp = 0;
        var request = RequestId.None;
        var principal = "";
        var featureLevel = 0;
        byte[] payload = [];
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    term = NotNegative(ref reader);
                    break;
                case 2:
                    index = NotNegative(ref reader);
                    break;
                case 3:
                    kind = reader.Int64();
                    break;
                case 4:
                    stamp = NotNegative(ref reader);
                    break;
                case 5:
                    request = ReadRequestId(reader.Bytes());
                    break;
                case 6:
                    principal = reader.String();
                    break;
                case 7:
                    featureLevel = reader.Int32();
                    break;
                case 8:
                    payload = reader.Bytes().ToArray();
                    break;
                default:
                    reader.RefuseUnknown("an entry");
                    break;
            }
        }
        return new Entry
        {
            Term = new Term(term),
            Index = new LogIndex(index),
            Kind = kind is >= (int)EntryKind.NoOp and <= (int)EntryKind.Time
                ? (EntryKind)kind
                : throw new WireFormatException($"an entry has the kind {kind}, which this version does not know"),
            Stamp = new ClusterTime(stamp),
            Request = request,
            Principal = principal,
            FeatureLevel = featureLevel >= 0 ? featureLevel : throw new WireFormatException("an entry has a negative feature level"),
            Payload = payload,
        };
    }

    public static void WriteConfiguration(WireWriter writer, Configuration configuration)
    {
        foreach (var member in configuration.Members)
        {
            var start = writer.BeginMessage(1);
            writer.Fixed64(1, (ulong)member.Id.Value);
            writer.String(2, member.Name);
            writer.String(3, member.PeerAddress);
            writer.EndMessage(start);
        }
        WriteIds(writer, 2, configuration.Voters);
        WriteIds(writer, 3, configuration.OutgoingVoters);
        WriteIds(writer, 4, configuration.Learners);
        WriteIds(writer, 5, configuration.Removed);
    }

    public static Configuration ReadConfiguration(ReadOnlySpan<byte> bytes)
    {
        var members = ImmutableArray.CreateBuilder<Member>();
        var voters = ImmutableArray.CreateBuilder<MemberId>();
        var outgoing = ImmutableArray.CreateBuilder<MemberId>();
        var learners = ImmutableArray.CreateBuilder<MemberId>();
        var removed = ImmutableArray.CreateBuilder<MemberId>();
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    members.Add(ReadMember(reader.Bytes()));
                    break;
                case 2:
                    ReadIds(ref reader, voters);
                    break;
                case 3:
                    ReadIds(ref reader, outgoing);
                    break;
                case 4:
                    ReadIds(ref reader, learners);
                    break;
                case 5:
                    ReadIds(ref reader, removed);
                    break;
                default:
                    reader.RefuseUnknown("a configuration");
                    break;
            }
        }
        var configuration = new Configuration(members.ToImmutable(), voters.ToImmutable(), outgoing.ToImmutable(), learners.ToImmutable())
        {
            Removed = removed.ToImmutable(),
        };
        RequireSound(configuration);
        return configuration;
    }

    public static void WriteSnapshotMark(WireWriter writer, SnapshotMark mark)
    {
        writer.Int64(1, mark.LastIndex.Value);
        writer.Int64(2, mark.LastTerm.Value);
        writer.Int64(3, mark.Stamp.Micros);
        var configuration = writer.BeginMessage(4);
        WriteConfiguration(writer, mark.Configuration);
        writer.EndMessage(configuration);
    }

    public static SnapshotMark ReadSnapshotMark(ReadOnlySpan<byte> bytes)
    {
        long lastIndex = 0, lastTerm = 0, stamp = 0;
        Configuration? configuration = null;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    lastIndex = NotNegative(ref reader);
                    break;
                case 2:
                    lastTerm = NotNegative(ref reader);
                    break;
                case 3:
                    stamp = NotNegative(ref reader);
                    break;
                case 4:
                    configuration = ReadConfiguration(reader.Bytes());
                    break;
                default:
                    reader.RefuseUnknown("a snapshot mark");
                    break;
            }
        }
        return new SnapshotMark(
            new LogIndex(lastIndex),
            new Term(lastTerm),
            new ClusterTime(stamp),
            configuration ?? throw new WireFormatException("a snapshot mark has no configuration"));
    }

    /// <summary>Writes the fields of a peer message's envelope; unknown fields are ignored on reading (rule 12).</summary>
    public static void WriteMessage(WireWriter writer, Message message) => MessageCodec.Write(writer, message);

    /// <summary>Reads a peer message; null when its type is not known to this version.</summary>
    public static Message? ReadMessage(ReadOnlySpan<byte> bytes) => MessageCodec.Read(bytes);

    internal static long NotNegative(ref WireReader reader)
    {
        var value = reader.Int64();
        return value >= 0 ? value : throw new WireFormatException($"field {reader.Field} is negative or above 2^63 - 1");
    }

    internal static MemberId ReadMemberId(ref WireReader reader) => ToMemberId(reader.Fixed64());

    private static MemberId ToMemberId(ulong value) =>
        value <= long.MaxValue ? new MemberId((long)value) : throw new WireFormatException("a member id has 63 bits");

    private static RequestId ReadRequestId(ReadOnlySpan<byte> bytes)
    {
        var member = MemberId.None;
        long boot = 0, sequence = 0;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    member = ReadMemberId(ref reader);
                    break;
                case 2:
                    boot = (long)reader.Fixed64();
                    break;
                case 3:
                    sequence = reader.Int64();
                    break;
                default:
                    reader.RefuseUnknown("a request id");
                    break;
            }
        }
        return new RequestId(member, boot, sequence);
    }

    private static Member ReadMember(ReadOnlySpan<byte> bytes)
    {
        var id = MemberId.None;
        var name = "";
        var peerAddress = "";
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    id = ReadMemberId(ref reader);
                    break;
                case 2:
                    name = reader.String();
                    break;
                case 3:
                    peerAddress = reader.String();
                    break;
                default:
                    reader.RefuseUnknown("a member");
                    break;
            }
        }
        return id.IsNone ? throw new WireFormatException("a member has no id") : new Member(id, name, peerAddress);
    }

    /// <summary>Packed, as proto3 writes repeated numbers.</summary>
    private static void WriteIds(WireWriter writer, int field, ImmutableArray<MemberId> ids)
    {
        if (ids.IsEmpty)
        {
            return;
        }
        var start = writer.BeginMessage(field);
        foreach (var id in ids)
        {
            BinaryPrimitives.WriteInt64LittleEndian(writer.Reserve(8), id.Value);
        }
        writer.EndMessage(start);
    }

    /// <summary>Packed or one by one: a Protocol Buffers reader takes both.</summary>
    private static void ReadIds(ref WireReader reader, ImmutableArray<MemberId>.Builder ids)
    {
        if (reader.Type == WireType.Fixed64)
        {
            ids.Add(ReadMemberId(ref reader));
            return;
        }
        var packed = reader.Bytes();
        if (packed.Length % 8 != 0)
        {
            throw new WireFormatException($"field {reader.Field} is cut short");
        }
        for (; packed.Length > 0; packed = packed[8..])
        {
            ids.Add(ToMemberId(BinaryPrimitives.ReadUInt64LittleEndian(packed)));
        }
    }

    private static void RequireSound(Configuration configuration)
    {
        for (var i = 1; i < configuration.Members.Length; i++)
        {
            if (configuration.Members[i - 1].Id.CompareTo(configuration.Members[i].Id) >= 0)
            {
                throw new WireFormatException("a configuration's members are not in order");
            }
        }
        RequireMembers(configuration, configuration.Voters);
        RequireMembers(configuration, configuration.OutgoingVoters);
        RequireMembers(configuration, configuration.Learners);
        foreach (var learner in configuration.Learners)
        {
            if (configuration.Voters.Contains(learner))
            {
                throw new WireFormatException("a configuration has a voter that is a learner");
            }
        }
        foreach (var removed in configuration.Removed)
        {
            if (configuration.Find(removed) is not null)
            {
                throw new WireFormatException("a configuration has a member that was removed");
            }
        }
    }

    private static void RequireMembers(Configuration configuration, ImmutableArray<MemberId> ids)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            if (i > 0 && ids[i - 1].CompareTo(ids[i]) >= 0)
            {
                throw new WireFormatException("a configuration's ids are not in order");
            }
            if (configuration.Find(ids[i]) is null)
            {
                throw new WireFormatException("a configuration counts somebody who is not a member");
            }
        }
    }
}
