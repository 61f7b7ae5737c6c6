using System.Buffers;

namespace Consensus.Server.Http;

/// <summary>Strict percent-decoding (RFC 3986 §2.1): every <c>%</c> is followed by two hexadecimal digits, and is decoded once.</summary>
internal static class PercentDecoder
{
    /// <summary>Decodes into <paramref name="destination"/>, which is at least as long as <paramref name="text"/>.</summary>
    /// <param name="plusIsSpace">True in a query (the form encoding of HTML), where <c>+</c> stands for a space.</param>
    /// <returns>False for a bad escape or a character that is not ASCII.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> destination, bool plusIsSpace, out int length)
    {
        length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length
                    || Convert.FromHexString(text.Slice(i + 1, 2), destination[length..], out _, out _) != OperationStatus.Done)
                {
                    return false;
                }
                length++;
                i += 2;
                continue;
            }
            if (c > 0x7F)
            {
                return false;
            }
            destination[length++] = plusIsSpace && c == '+' ? (byte)' ' : (byte)c;
        }
        return true;
    }
}
