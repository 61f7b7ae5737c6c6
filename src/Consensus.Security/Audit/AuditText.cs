using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace Consensus.Security.Audit;

/// <summary>Text of others in a record: of bounded length, and text whatever it was.</summary>
public static class AuditText
{
    /// <summary>Bytes of a name that are written; what is longer is cut.</summary>
    public const int MostNameBytes = 128;

    private const int HashDigits = 16;

    /// <summary>
    /// The name as it is when it is UTF-8 and at most 128 bytes long. Else as much of it as can be written, with U+FFFD for what is no
    /// text, and behind that <c>…sha256:</c> and 16 hexadecimal digits of the SHA-256 of all of it, by which it is found.
    /// </summary>
    public static string Bounded(ReadOnlySpan<byte> name)
    {
        if (name.Length <= MostNameBytes && Utf8.IsValid(name))
        {
            return Encoding.UTF8.GetString(name);
        }
        var cut = Math.Min(name.Length, MostNameBytes);
        if (cut < name.Length)
        {
            // Not within a character: bytes 10xxxxxx go on with one, of which there are three at most.
            for (var back = 0; back < 3 && cut > 0 && (name[cut] & 0xC0) == 0x80; back++)
            {
                cut--;
            }
        }
        return $"{Encoding.UTF8.GetString(name[..cut])}…sha256:{Convert.ToHexStringLower(SHA256.HashData(name))[..HashDigits]}";
    }

    /// <inheritdoc cref="Bounded(ReadOnlySpan{byte})"/>
    public static string Bounded(string text) => text.Length * 3 <= MostNameBytes && !HasSurrogates(text)
        ? text
        : Bounded(Encoding.UTF8.GetBytes(text));

    /// <summary>An <c>Idempotency-Key</c> so that its requests are found, and it is not.</summary>
    public static string KeyHash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..8];

    private static bool HasSurrogates(string text) => text.Any(char.IsSurrogate);
}
