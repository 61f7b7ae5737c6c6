using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>
/// Seals a frame's payload. Its nonce is the frame's sequence; whose log it is and what its header says, but for the checksums, is sealed
/// along. Checksums cover what is on disk: so tears, damage and witnesses are judged without a key, and a right checksum with a wrong tag
/// is never a tear.
/// </summary>
internal static class FrameSeal
{
    private const int ContextBytes = FrameHeader.StartBytes + StorageIdentity.Bytes;

    /// <summary>Seals where the payload lies. Allocates nothing.</summary>
    /// <param name="payload">The records, and behind them room for the tag: as long as the header says.</param>
    public static void Seal(FileCipher cipher, in FrameHeader header, StorageIdentity identity, Span<byte> payload)
    {
        Span<byte> context = stackalloc byte[ContextBytes];
        WriteContext(context, header, identity);
        cipher.Seal(header.Frame, payload, context);
    }

    /// <summary>False when payload or header were changed, or are of another key, frame or member.</summary>
    /// <param name="records">Shorter than the payload by the tag.</param>
    public static bool TryOpen(
        FileCipher cipher, in FrameHeader header, StorageIdentity identity, ReadOnlySpan<byte> payload, Span<byte> records)
    {
        Span<byte> context = stackalloc byte[ContextBytes];
        WriteContext(context, header, identity);
        return cipher.TryOpen(header.Frame, payload, records, context);
    }

    private static void WriteContext(Span<byte> context, in FrameHeader header, StorageIdentity identity)
    {
        header.WriteStart(context);
        identity.Write(context[FrameHeader.StartBytes..]);
    }
}
