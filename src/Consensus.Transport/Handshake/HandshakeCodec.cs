using Consensus.Primitives;
using Consensus.Primitives.Wire;

namespace Consensus.Transport.Handshake;

/// <summary>
/// Handshake messages in the wire format of <c>peer.proto</c>. Reading accepts what a stranger may send: everything out of shape throws
/// <see cref="WireFormatException"/>, and text that may reach a log holds no control characters. Unknown fields are skipped (rule 12).
/// </summary>
internal static class HandshakeCodec
{
    public const int ProtocolVersion = 1;
    public const int TokenDigestBytes = 32;
    private const int MaxKnown = 64;

    public static void Write(WireWriter writer, HandshakeMessage message)
    {
        switch (message)
        {
            case Hello hello:
                var inHello = writer.BeginMessage(1);
                WriteIdentity(writer, hello.Identity);
                writer.Int64(2, (long)hello.Purpose);
                writer.String(3, hello.Wanted);
                writer.String(4, hello.InitialCluster);
                WriteKnown(writer, 5, hello.Known);
                writer.Bool(6, hello.Renews);
                writer.EndMessage(inHello);
                break;
            case Welcome welcome:
                var inWelcome = writer.BeginMessage(2);
                WriteIdentity(writer, welcome.Identity);
                WriteKnown(writer, 2, welcome.Known);
                writer.EndMessage(inWelcome);
                break;
            case Refusal refusal:
                var inRefusal = writer.BeginMessage(3);
                writer.Int64(1, ProtocolVersion);
                writer.Int64(2, (long)refusal.Code);
                writer.String(3, refusal.Sentence);
                writer.Int64(4, refusal.Cluster.Value);
                writer.String(5, refusal.Name);
                writer.EndMessage(inRefusal);
                break;
            default:
                Invariant.Unreachable<int>(message);
                break;
        }
    }

    public static HandshakeMessage Read(ReadOnlySpan<byte> bytes)
    {
        HandshakeMessage? message = null;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    message = ReadHello(reader.Bytes());
                    break;
                case 2:
                    message = ReadWelcome(reader.Bytes());
                    break;
                case 3:
                    message = ReadRefusal(reader.Bytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return message ?? throw new WireFormatException("a handshake without a message that this version knows");
    }

    private static void WriteIdentity(WireWriter writer, PeerIdentity identity)
    {
        var start = writer.BeginMessage(1);
        writer.Int64(1, ProtocolVersion);
        writer.Bytes(2, identity.TokenDigest.Span);
        writer.Int64(3, identity.Cluster.Value);
        writer.Int64(4, identity.Member.Value);
        writer.String(5, identity.Name);
        writer.Int64(6, identity.Incarnation);
        writer.Int64(7, identity.Boot);
        writer.String(8, identity.Address);
        writer.EndMessage(start);
    }

    private static void WriteKnown(WireWriter writer, int field, IReadOnlyList<KnownMember> known)
    {
        foreach (var member in known)
        {
            var start = writer.BeginMessage(field);
            writer.String(1, member.Name);
            writer.Int64(2, member.Member.Value);
            writer.String(3, member.Address);
            writer.EndMessage(start);
        }
    }

    private static Hello ReadHello(ReadOnlySpan<byte> bytes)
    {
        PeerIdentity? identity = null;
        var purpose = Purpose.Unspecified;
        string wanted = "", initialCluster = "";
        var renews = false;
        var known = new List<KnownMember>();
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    identity = ReadIdentity(reader.Bytes());
                    break;
                case 2:
                    purpose = (Purpose)reader.Int32();
                    break;
                case 3:
                    wanted = NameOf(reader.String());
                    break;
                case 4:
                    initialCluster = TextOf(reader.String());
                    break;
                case 5:
                    AddKnown(known, reader.Bytes());
                    break;
                case 6:
                    renews = reader.Int64() != 0;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        var wantsAnyone = purpose == Purpose.Join;
        if (identity is null || (wanted.Length == 0) != wantsAnyone || purpose is not (Purpose.Link or Purpose.Snapshot or Purpose.Meet or Purpose.Join))
        {
            throw new WireFormatException("a Hello without identity, wanted name or a purpose that this version knows");
        }
        return new Hello(identity, purpose, wanted, initialCluster, known, renews);
    }

    private static Welcome ReadWelcome(ReadOnlySpan<byte> bytes)
    {
        PeerIdentity? identity = null;
        var known = new List<KnownMember>();
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    identity = ReadIdentity(reader.Bytes());
                    break;
                case 2:
                    AddKnown(known, reader.Bytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new Welcome(identity ?? throw new WireFormatException("a Welcome without identity"), known);
    }

    private static Refusal ReadRefusal(ReadOnlySpan<byte> bytes)
    {
        var code = RefusalCode.Unspecified;
        string sentence = "", name = "";
        var cluster = ClusterId.None;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 2:
                    code = (RefusalCode)reader.Int32();
                    break;
                case 3:
                    sentence = TextOf(reader.String());
                    break;
                case 4:
                    cluster = new ClusterId(PositiveOrZero(reader.Int64()));
                    break;
                case 5:
                    name = NameOf(reader.String());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return new Refusal(code, sentence, cluster, name);
    }

    private static PeerIdentity ReadIdentity(ReadOnlySpan<byte> bytes)
    {
        long version = 0, cluster = 0, member = 0, incarnation = 0, boot = 0;
        byte[]? token = null;
        string name = "", address = "";
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    version = reader.Int64();
                    break;
                case 2:
                    token = reader.Bytes().ToArray();
                    break;
                case 3:
                    cluster = PositiveOrZero(reader.Int64());
                    break;
                case 4:
                    member = PositiveOrZero(reader.Int64());
                    break;
                case 5:
                    name = NameOf(reader.String());
                    break;
                case 6:
                    incarnation = reader.Int64();
                    break;
                case 7:
                    boot = reader.Int64();
                    break;
                case 8:
                    address = TextOf(reader.String());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (version < 1 || token is not { Length: TokenDigestBytes } || name.Length == 0 || (cluster == 0) != (member == 0))
        {
            throw new WireFormatException("an identity that lacks version, token digest or name, or is half formed");
        }
        return new PeerIdentity(token, new ClusterId(cluster), new MemberId(member), name, incarnation, boot, address);
    }

    private static void AddKnown(List<KnownMember> known, ReadOnlySpan<byte> bytes)
    {
        if (known.Count == MaxKnown)
        {
            throw new WireFormatException("too many members");
        }
        string name = "", address = "";
        long member = 0;
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    name = NameOf(reader.String());
                    break;
                case 2:
                    member = PositiveOrZero(reader.Int64());
                    break;
                case 3:
                    address = TextOf(reader.String());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (name.Length == 0 || member == 0)
        {
            throw new WireFormatException("a member without name or id");
        }
        known.Add(new KnownMember(name, new MemberId(member), address));
    }

    private static long PositiveOrZero(long id) => id >= 0 ? id : throw new WireFormatException("an id out of range");

    private static string NameOf(string text) =>
        text.Length == 0 || MemberName.IsValid(text)
            ? text
            : throw new WireFormatException("a name with other characters than [A-Za-z0-9._-], or a long one");

    private static string TextOf(string text) =>
        text.Any(char.IsControl) ? throw new WireFormatException("text with control characters") : text;
}
