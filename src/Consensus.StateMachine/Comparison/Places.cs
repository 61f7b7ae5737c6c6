using System.Buffers.Binary;
using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Comparison;

/// <summary>How the keys of a table are written as places.</summary>
/// <param name="Read">Null for bytes that are none.</param>
internal sealed record PlaceForm<TKey>(Func<TKey, ReadOnlyMemory<byte>> Write, Func<ReadOnlyMemory<byte>, Read<TKey>?> Read);

internal readonly record struct Read<TKey>(TKey Key);

/// <summary>The places of each kind of key. They are asked with and answered, and never stored.</summary>
internal static class Places
{
    private const int NumberBytes = sizeof(long);

    public static readonly PlaceForm<Key> Keys = new(static key => key.Memory, static place => new(new Key(place.Span)));

    public static readonly PlaceForm<long> Numbers = new(WriteNumber, static place => place.Length == NumberBytes ? new(NumberAt(place.Span)) : null);

    public static readonly PlaceForm<LeaseId> Leases = new(
        static id => WriteNumber(id.Value), static place => place.Length == NumberBytes ? new(new LeaseId(NumberAt(place.Span))) : null);

    public static readonly PlaceForm<MemberId> Members = new(
        static id => WriteNumber(id.Value), static place => place.Length == NumberBytes ? new(new MemberId(NumberAt(place.Span))) : null);

    /// <summary>The name space, then the name.</summary>
    public static readonly PlaceForm<ObjectName> Objects = new(static name => WriteObject(name, []), static place => ReadObject(place.Span) is { } name ? new(name) : null);

    /// <summary>The token first.</summary>
    public static readonly PlaceForm<HoldKey> Holds = new(
        static key => WriteObject(key.Object, WriteNumber(key.Token.Value).Span),
        static place => ReadNumbered(place.Span) is { } found ? new(new HoldKey(found.Object, new FencingToken(found.Number))) : null);

    /// <summary>The number of arrival first.</summary>
    public static readonly PlaceForm<WaiterKey> Waiters = new(
        static key => WriteObject(key.Object, WriteNumber(key.Sequence).Span),
        static place => ReadNumbered(place.Span) is { } found ? new(new WaiterKey(found.Object, found.Number)) : null);

    /// <summary>The length of the principal, the principal, the key.</summary>
    public static readonly PlaceForm<Identity> Identities = new(WriteIdentity, ReadIdentity);

    private static ReadOnlyMemory<byte> WriteNumber(long number)
    {
        var bytes = new byte[NumberBytes];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        return bytes;
    }

    private static long NumberAt(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64BigEndian(bytes);

    private static ReadOnlyMemory<byte> WriteObject(ObjectName name, ReadOnlySpan<byte> before) => (byte[])[.. before, (byte)name.Space, .. name.Name.Bytes];

    private static ObjectName? ReadObject(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty || !Enum.IsDefined((HoldSpace)bytes[0]) ? null : new ObjectName((HoldSpace)bytes[0], new Key(bytes[1..]));

    private static (long Number, ObjectName Object)? ReadNumbered(ReadOnlySpan<byte> bytes) =>
        bytes.Length > NumberBytes && ReadObject(bytes[NumberBytes..]) is { } name ? (NumberAt(bytes), name) : null;

    private static ReadOnlyMemory<byte> WriteIdentity(Identity identity)
    {
        var principal = Encoding.UTF8.GetBytes(identity.Principal);
        var bytes = new byte[sizeof(int) + principal.Length + identity.IdempotencyKey.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, principal.Length);
        principal.CopyTo(bytes, sizeof(int));
        identity.IdempotencyKey.Bytes.CopyTo(bytes.AsSpan(sizeof(int) + principal.Length));
        return bytes;
    }

    private static Read<Identity>? ReadIdentity(ReadOnlyMemory<byte> place)
    {
        if (place.Length < sizeof(int))
        {
            return null;
        }
        var length = BinaryPrimitives.ReadInt32BigEndian(place.Span);
        var rest = place.Span[sizeof(int)..];
        return length >= 0 && length <= rest.Length ? new(new Identity(Encoding.UTF8.GetString(rest[..length]), new Key(rest[length..]))) : null;
    }
}
