using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Consensus.Primitives;

namespace Consensus.Server.Lists;

internal enum ListKind : byte
{
    Keys = 1,
    Leases = 2,
    Locks = 3,
    Semaphores = 4,
    Elections = 5,
    Fences = 6,
    Roles = 7,
    Principals = 8,
    Revocations = 9,
    Tokens = 10,
}

/// <summary>
/// Where the next page of a list begins, and in which revision. To clients it is opaque: base64url of format (1), kind (1), revision (8), query digest (8), count (8), then
/// the last item's name.
/// </summary>
/// <param name="Query">Digest of what was asked, so that a cursor is not taken on with another query or in another cluster.</param>
/// <param name="Count">How many items all pages have, where that is told: counted once, for the first page.</param>
/// <param name="Last">The last item that was given.</param>
internal readonly record struct ListCursor(ListKind Kind, Revision Revision, StateHash Query, long Count, ReadOnlyMemory<byte> Last)
{
    private const byte Format = 2;
    private const int HeaderBytes = 26;
    private const int MaxBytes = HeaderBytes + StateMachine.Key.MaxLength;

    public static StateHash DigestOf(ClusterId cluster, ReadOnlySpan<byte> prefix) => StateHash.Initial.Add(cluster.Value).Add(prefix);

    public string Encode()
    {
        var bytes = new byte[HeaderBytes + Last.Length];
        bytes[0] = Format;
        bytes[1] = (byte)Kind;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(2), Revision.Value);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(10), Query.Value);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(18), Count);
        Last.Span.CopyTo(bytes.AsSpan(HeaderBytes));
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryDecode(string text, out ListCursor cursor)
    {
        cursor = default;
        var encoded = Encoding.UTF8.GetBytes(text);
        if (!Base64Url.IsValid(encoded, out var length) || length is < HeaderBytes or > MaxBytes)
        {
            return false;
        }
        var bytes = Base64Url.DecodeFromUtf8(encoded);
        if (bytes[0] != Format)
        {
            return false;
        }
        cursor = new ListCursor(
            (ListKind)bytes[1],
            new Revision(BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(2))),
            new StateHash(BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(10))),
            BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(18)),
            bytes.AsMemory(HeaderBytes));
        return cursor.Revision.Value > 0 && cursor.Count >= 0;
    }
}
