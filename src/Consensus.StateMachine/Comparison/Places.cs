using System.Buffers.Binary;
using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Comparison;

/// <summary>How the keys of a table are written as places.</summary>
/// <param name="Read">Null for bytes that are none.</param>
internal sealed record PlaceForm<TKey>(Func<TKey, ReadOnlyMemory<byte>> Write, Func<ReadOnlyMemory<byte>, Read<TKey>?> Read);

internal readonly record struct Read<TKey>(TKey Key);

/// <summary>
/// The places of each kind of key, whose bytes have the order of the keys: so lists of two members can be merged by whoever knows nothing of tables. They are asked with and
/// answered, and never stored.
/// </summary>
internal static class Places
{
    private const int NumberBytes = sizeof(long);

    /// <summary>Below 0 comes first.</summary>
    private const ulong SignBit = 1UL << 63;

    public static readonly PlaceForm<Key> Keys = new(static key => key.Memory, static place => new(new Key(place.Span)));

    public static readonly PlaceForm<long> Numbers = new(static number => WriteNumber(number), static place => ReadNumber(place.Span) is { } number ? new(number) : null);

    public static readonly PlaceForm<LeaseId> Leases = new(
        static id => WriteNumber(id.Value), static place => ReadNumber(place.Span) is { } number ? new(new LeaseId(number)) : null);

    public static readonly PlaceForm<MemberId> Members = new(
        static id => WriteNumber(id.Value), static place => ReadNumber(place.Span) is { } number ? new(new MemberId(number)) : null);

    /// <summary>The name space, then the name.</summary>
    public static readonly PlaceForm<ObjectName> Objects = new(
        static name => (byte[])[(byte)name.Space, .. name.Name.Bytes], static place => ReadObject(place.Span) is { } name ? new(name) : null);

    /// <summary>The name space, the name with its end, the token.</summary>
    public static readonly PlaceForm<HoldKey> Holds = new(
        static key => WriteNumbered(key.Object, key.Token.Value),
        static place => ReadNumbered(place.Span) is { } found ? new(new HoldKey(found.Object, new FencingToken(found.Number))) : null);

    /// <summary>The name space, the name with its end, the last token.</summary>
    public static readonly PlaceForm<ReleasedRun> ReleasedRuns = new(
        static run => WriteNumbered(run.Object, run.Last.Value),
        static place => ReadNumbered(place.Span) is { } found ? new(new ReleasedRun(found.Object, new FencingToken(found.Number))) : null);

    /// <summary>The name space, the name with its end, the number of arrival.</summary>
    public static readonly PlaceForm<WaiterKey> Waiters = new(
        static key => WriteNumbered(key.Object, key.Sequence),
        static place => ReadNumbered(place.Span) is { } found ? new(new WaiterKey(found.Object, found.Number)) : null);

    /// <summary>The principal in UTF-16, in whose order principals stand, with its end, then the key.</summary>
    public static readonly PlaceForm<Identity> Identities = new(
        static identity => (byte[])[.. WithEnd(Encoding.BigEndianUnicode.GetBytes(identity.Principal)), .. identity.IdempotencyKey.Bytes],
        static place => ReadToEnd(place.Span, out var rest) is { } principal && principal.Length % 2 == 0
            ? new(new Identity(Encoding.BigEndianUnicode.GetString(principal), new Key(rest)))
            : null);

    /// <summary>The session, the number.</summary>
    public static readonly PlaceForm<SessionNumber> SessionNumbers = new(
        static key => (byte[])[.. WriteNumber(key.Session.Value), .. WriteNumber(key.Number)],
        static place => ReadTwo(place.Span) is { } found ? new(new SessionNumber(new LeaseId(found.First), found.Second)) : null);

    /// <summary>The session, the version.</summary>
    public static readonly PlaceForm<SessionVersion> SessionVersions = new(
        static key => (byte[])[.. WriteNumber(key.Session.Value), .. WriteNumber(key.Version)],
        static place => ReadTwo(place.Span) is { } found ? new(new SessionVersion(new LeaseId(found.First), found.Second)) : null);

    /// <summary>The member, the boot.</summary>
    public static readonly PlaceForm<ProcessId> Processes = new(
        static key => (byte[])[.. WriteNumber(key.Member.Value), .. WriteNumber(key.Boot)],
        static place => ReadTwo(place.Span) is { } found ? new(new ProcessId(new MemberId(found.First), found.Second)) : null);

    private static (long First, long Second)? ReadTwo(ReadOnlySpan<byte> bytes) =>
        bytes.Length == 2 * NumberBytes ? (ReadNumber(bytes[..NumberBytes])!.Value, ReadNumber(bytes[NumberBytes..])!.Value) : null;

    private static byte[] WriteNumber(long number)
    {
        var bytes = new byte[NumberBytes];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (ulong)number ^ SignBit);
        return bytes;
    }

    private static long? ReadNumber(ReadOnlySpan<byte> bytes) => bytes.Length == NumberBytes ? (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) ^ SignBit) : null;

    private static ObjectName? ReadObject(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty || !Enum.IsDefined((HoldSpace)bytes[0]) ? null : new ObjectName((HoldSpace)bytes[0], new Key(bytes[1..]));

    private static byte[] WriteNumbered(ObjectName name, long number) => [(byte)name.Space, .. WithEnd(name.Name.Bytes), .. WriteNumber(number)];

    private static (ObjectName Object, long Number)? ReadNumbered(ReadOnlySpan<byte> bytes) =>
        bytes.Length > 0 && Enum.IsDefined((HoldSpace)bytes[0]) && ReadToEnd(bytes[1..], out var rest) is { } name && ReadNumber(rest) is { } number
            ? (new ObjectName((HoldSpace)bytes[0], new Key(name)), number)
            : null;

    /// <summary>Bytes with an end that is smaller than any byte that might follow: 0 is written as 0 and 255, the end as two 0.</summary>
    private static byte[] WithEnd(ReadOnlySpan<byte> bytes)
    {
        var written = new List<byte>(bytes.Length + 2);
        foreach (var each in bytes)
        {
            written.Add(each);
            if (each == 0)
            {
                written.Add(byte.MaxValue);
            }
        }
        written.AddRange([0, 0]);
        return [.. written];
    }

    /// <summary>Null when there is no end.</summary>
    private static byte[]? ReadToEnd(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> rest)
    {
        rest = default;
        var read = new List<byte>(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            read.Add(bytes[i]);
            if (bytes[i] != 0)
            {
                continue;
            }
            i++;
            if (i < bytes.Length && bytes[i] == 0)
            {
                rest = bytes[(i + 1)..];
                return [.. read.SkipLast(1)];
            }
            if (i == bytes.Length || bytes[i] != byte.MaxValue)
            {
                return null;
            }
        }
        return null;
    }
}
