using System.Buffers.Binary;
using Consensus.Primitives;

namespace Consensus.Storage.Format;

/// <summary>Whose log it is. In the header of each segment (rule 11) and, by <see cref="FrameSeed"/>, in the checksum of each frame.</summary>
internal sealed record StorageIdentity(ClusterId Cluster, MemberId Member, long Incarnation)
{
    public const int Bytes = 24;

    /// <summary>
    /// Where the checksum of each frame header starts. The incarnation is random and no client learns it, so that nobody can store a
    /// value whose bytes recovery would take for a frame.
    /// </summary>
    public uint FrameSeed
    {
        get
        {
            Span<byte> bytes = stackalloc byte[Bytes];
            Write(bytes);
            return Crc32C.Of(bytes);
        }
    }

    public void Write(Span<byte> into)
    {
        BinaryPrimitives.WriteInt64LittleEndian(into, Cluster.Value);
        BinaryPrimitives.WriteInt64LittleEndian(into[8..], Member.Value);
        BinaryPrimitives.WriteInt64LittleEndian(into[16..], Incarnation);
    }
}
