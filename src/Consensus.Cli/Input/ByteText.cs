using System.Buffers;
using System.Text;

namespace Consensus.Cli.Input;

/// <summary>
/// Bytes as text without a loss: what is UTF-8 is that text, and each byte that belongs to no character is the lone surrogate U+DC80 to U+DCFF that ends as the byte does, which
/// no text can hold. So a word can be passed on byte for byte, and one that must be text is known not to be.
/// </summary>
internal static class ByteText
{
    private const char Escape = '\uDC00';

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (bytes.Length > 0)
        {
            var isText = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done;
            if (isText)
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (var value in bytes[..length])
                {
                    text.Append((char)(Escape + value));
                }
            }
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    /// <summary>The bytes of which <see cref="Decode"/> makes this text.</summary>
    public static byte[] Encode(string text)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length + 1);
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            var isText = Rune.DecodeFromUtf16(rest, out var rune, out var length) == OperationStatus.Done;
            if (isText)
            {
                bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
            }
            else
            {
                bytes.Write([EscapedBy(rest[0]) ?? throw new ArgumentException("A surrogate that stands alone is no byte's.", nameof(text))]);
            }
            rest = rest[length..];
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Whether all of it is text.</summary>
    public static bool IsText(string text)
    {
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var length) != OperationStatus.Done)
            {
                return false;
            }
            rest = rest[length..];
        }
        return true;
    }

    /// <summary>The byte for which a surrogate stands that is half of no pair; null when it stands for none.</summary>
    public static byte? EscapedBy(char surrogate) => surrogate is >= '\uDC80' and <= '\uDCFF' ? (byte)(surrogate - Escape) : null;
}
