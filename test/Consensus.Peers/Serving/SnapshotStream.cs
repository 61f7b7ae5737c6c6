using System.Buffers.Binary;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Snapshots;
using DotNext.IO;

namespace Consensus.Peers.Serving;

/// <summary>
/// Our snapshot's sections in the library's snapshot file: kind, length and CRC-32C of each (4 bytes each, little endian), its bytes; a
/// kind of 0 is the end.
/// </summary>
internal static class SnapshotStream
{
    private const int HeaderBytes = 12;

    /// <summary>
    /// Writes into the library's writer, which writes on when its buffer is full. The state machine's writer does not wait for anything, so
    /// this does.
    /// </summary>
    public sealed class Sink(IAsyncBinaryWriter writer, CancellationToken cancellation) : ISnapshotSink
    {
        public void Section(int kind, ReadOnlySpan<byte> body)
        {
            var section = new byte[HeaderBytes + body.Length];
            BinaryPrimitives.WriteInt32LittleEndian(section, kind);
            BinaryPrimitives.WriteInt32LittleEndian(section.AsSpan(4), body.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(section.AsSpan(8), Crc32C.Of(body));
            body.CopyTo(section.AsSpan(HeaderBytes));
            writer.WriteAsync(section, lengthFormat: null, cancellation).AsTask().GetAwaiter().GetResult();
        }
    }

    public sealed class Source(Stream file) : ISnapshotSource
    {
        public bool NextSection(out int kind, out ReadOnlyMemory<byte> body)
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            file.ReadExactly(header);
            kind = BinaryPrimitives.ReadInt32LittleEndian(header);
            body = default;
            if (kind == 0)
            {
                return false;
            }
            var length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
            if (length < 0 || length > file.Length)
            {
                throw new WireFormatException("a snapshot section longer than its file");
            }
            var bytes = new byte[length];
            file.ReadExactly(bytes);
            if (Crc32C.Of(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(header[8..]))
            {
                throw new WireFormatException("a snapshot section with a wrong checksum");
            }
            body = bytes;
            return true;
        }
    }
}
