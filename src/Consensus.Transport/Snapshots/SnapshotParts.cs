using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;

namespace Consensus.Transport.Snapshots;

/// <summary>What the receiver of a snapshot says (<c>peer.proto</c>).</summary>
internal abstract record SnapshotAnswer
{
    /// <summary>Send, from this byte of the content on.</summary>
    public sealed record Go(long From) : SnapshotAnswer;

    /// <summary>The whole file is on the disk and checked.</summary>
    public sealed record Done : SnapshotAnswer;

    public sealed record No(SnapshotRejection Rejection) : SnapshotAnswer;
}

/// <summary>The parts of a snapshot transfer (<c>peer.proto</c>), each in a frame of its own.</summary>
internal static class SnapshotParts
{
    /// <summary>Content is sent in parts of this size: below 85,000 bytes, so that no buffer is a large object.</summary>
    public const int ChunkBytes = 64 * 1024;

    /// <summary>Longest body of the other parts; the header is a message of the node.</summary>
    public const int MaxPartBytes = 1024 * 1024;

    private const int MaxSentenceChars = 1000;
    private const long GoVerdict = 1;
    private const long DoneVerdict = 2;
    private const long NoVerdict = 3;

    public static byte[] Start(ReadOnlySpan<byte> header, long length)
    {
        var writer = StartOfFrame();
        writer.Int64(1, length);
        writer.Bytes(2, header);
        return Finished(writer);
    }

    public static byte[] End(uint crc)
    {
        var writer = StartOfFrame();
        writer.Fixed64(1, crc);
        return Finished(writer);
    }

    public static byte[] Answer(SnapshotAnswer answer)
    {
        var writer = StartOfFrame();
        switch (answer)
        {
            case SnapshotAnswer.Go go:
                writer.Int64(1, GoVerdict);
                writer.Int64(2, go.From);
                break;
            case SnapshotAnswer.Done:
                writer.Int64(1, DoneVerdict);
                break;
            case SnapshotAnswer.No no:
                writer.Int64(1, NoVerdict);
                writer.Int64(3, (int)no.Rejection.Reason);
                writer.String(4, no.Rejection.Sentence.Length > MaxSentenceChars ? no.Rejection.Sentence[..MaxSentenceChars] : no.Rejection.Sentence);
                break;
            default:
                Primitives.Invariant.Unreachable<int>(answer);
                break;
        }
        return Finished(writer);
    }

    public static (long Length, byte[] Header) ReadStart(ReadOnlySpan<byte> body)
    {
        var length = 0L;
        byte[] header = [];
        var reader = new WireReader(body);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    length = reader.Int64();
                    break;
                case 2:
                    header = reader.Bytes().ToArray();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return length >= 0 ? (length, header) : throw new WireFormatException("a snapshot of negative length");
    }

    public static uint ReadEnd(ReadOnlySpan<byte> body)
    {
        var crc = 0UL;
        var reader = new WireReader(body);
        while (reader.NextField())
        {
            if (reader.Field == 1)
            {
                crc = reader.Fixed64();
            }
            else
            {
                reader.Skip();
            }
        }
        return crc <= uint.MaxValue ? (uint)crc : throw new WireFormatException("a CRC above 32 bits");
    }

    /// <summary>What a later version may say besides is a "not now": the sender tries again, and its operator reads the sentence.</summary>
    public static SnapshotAnswer ReadAnswer(ReadOnlySpan<byte> body)
    {
        var (verdict, from, reason, sentence) = (0L, 0L, 0L, "");
        var reader = new WireReader(body);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1:
                    verdict = reader.Int64();
                    break;
                case 2:
                    from = reader.Int64();
                    break;
                case 3:
                    reason = reader.Int64();
                    break;
                case 4:
                    sentence = reader.String();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        return verdict switch
        {
            GoVerdict => new SnapshotAnswer.Go(from),
            DoneVerdict => new SnapshotAnswer.Done(),
            _ => new SnapshotAnswer.No(new SnapshotRejection(ReasonOf(reason), Printable(sentence))),
        };
    }

    private static SnapshotRefusal ReasonOf(long number) =>
        number is >= (int)SnapshotRefusal.NotNow and <= (int)SnapshotRefusal.UnknownContent ? (SnapshotRefusal)number : SnapshotRefusal.NotNow;

    /// <summary>It goes into a log and a status of ours as it stands.</summary>
    private static string Printable(string sentence) =>
        string.Concat(sentence.Take(MaxSentenceChars).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c));

    /// <summary>
    /// Reads one part into <paramref name="buffer"/>, which grows with what comes when it must, waiting at most <paramref name="stall"/> for each next byte.
    /// Null when the connection ended or stalled.
    /// </summary>
    /// <exception cref="WireFormatException">It is no such part.</exception>
    public static ReadOnlyMemory<byte>? Receive(PeerConnection connection, ref byte[] buffer, int maxBytes, TimeSpan stall)
    {
        Span<byte> frameHeader = stackalloc byte[FrameFormat.HeaderSize];
        if (connection.Receive(frameHeader, stall) != IoResult.Done)
        {
            return null;
        }
        if (!FrameFormat.TryReadHeader(frameHeader, FrameFormat.SnapshotMagic, maxBytes, out var length, out var crc))
        {
            throw new WireFormatException("a part of a snapshot with a wrong magic or length");
        }
        for (var filled = 0; filled < length; filled = Math.Min(buffer.Length, length))
        {
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min(length, 2L * buffer.Length));
            }
            if (connection.Receive(buffer.AsSpan(filled, Math.Min(buffer.Length, length) - filled), stall) != IoResult.Done)
            {
                return null;
            }
        }
        var body = buffer.AsMemory(0, length);
        return FrameFormat.Checksum(body.Span) == crc ? body : throw new WireFormatException("a part of a snapshot with a wrong CRC");
    }

    private static WireWriter StartOfFrame()
    {
        var writer = new WireWriter();
        writer.Reserve(FrameFormat.HeaderSize).Clear();
        return writer;
    }

    private static byte[] Finished(WireWriter writer)
    {
        var frame = writer.ToArray();
        FrameFormat.WriteHeader(frame, FrameFormat.SnapshotMagic, frame.AsSpan(FrameFormat.HeaderSize));
        return frame;
    }
}
