using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Consensus.Primitives;

namespace Consensus.Security.Tokens;

/// <summary>
/// A token as its holder has it: <c>cns1_</c>, an id of 11 letters and digits, a secret of 43, and a checksum of 6 over all before, by
/// which a cut or mistyped one is known without asking anybody. One word, so that a double click takes it whole. Immutable.
/// </summary>
public sealed class BearerToken
{
    /// <summary>With which each begins, so that one that was left lying about is found by whoever looks for such.</summary>
    public const string Prefix = "cns1_";

    /// <summary>Of the id.</summary>
    public const int IdLength = 11;

    /// <summary>Of the whole token.</summary>
    public const int Length = 65;

    /// <summary>Of 62 letters and digits so many are above 256 bits.</summary>
    private const int SecretLength = 43;

    private const int ChecksumLength = 6;
    private const int SecretStart = 16;
    private const int ChecksumStart = Length - ChecksumLength;
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<char> DigitSet = SearchValues.Create(Digits);

    private readonly byte[] _secretHash;

    private BearerToken(string text)
    {
        (Text, Id) = (text, text.Substring(Prefix.Length, IdLength));
        _secretHash = SHA256.HashData(Encoding.ASCII.GetBytes(text, SecretStart, SecretLength));
    }

    /// <summary>The id, which is no secret.</summary>
    public string Id { get; }

    /// <summary>The whole token, with its secret.</summary>
    public string Text { get; }

    /// <summary>The SHA-256 of the secret's letters, 32 bytes: what is known of it by whoever is to recognise it.</summary>
    public ReadOnlySpan<byte> SecretHash => _secretHash;

    /// <summary>A new one, of random letters and digits.</summary>
    public static BearerToken Create()
    {
        var begin = Prefix + RandomNumberGenerator.GetString(Digits, IdLength + SecretLength);
        return new BearerToken(begin + ChecksumOf(begin));
    }

    /// <summary>Reads a token: false for whatever is not one, letter by letter, or has another checksum.</summary>
    /// <param name="text">Without anything before or behind.</param>
    /// <param name="token">Null where it is none.</param>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out BearerToken? token)
    {
        token = null;
        if (text.Length != Length || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length..].ContainsAnyExcept(DigitSet)
            || !text[ChecksumStart..].SequenceEqual(ChecksumOf(text[..ChecksumStart])))
        {
            return false;
        }
        token = new BearerToken(text.ToString());
        return true;
    }

    /// <summary>Whether the secret is the one of that hash. It takes as long whatever the answer is.</summary>
    /// <param name="secretHash">The SHA-256 of a secret, 32 bytes.</param>
    public bool HasSecretOf(ReadOnlySpan<byte> secretHash) => CryptographicOperations.FixedTimeEquals(_secretHash, secretHash);

    /// <summary>Without the secret: it may come into a log.</summary>
    public override string ToString() => $"{Prefix}{Id}…";

    /// <summary>CRC-32C as a number to the base 62, the highest digit first.</summary>
    private static string ChecksumOf(ReadOnlySpan<char> begin)
    {
        Span<byte> bytes = stackalloc byte[ChecksumStart];
        Encoding.ASCII.GetBytes(begin, bytes);
        var left = Crc32C.Of(bytes);
        Span<char> checksum = stackalloc char[ChecksumLength];
        for (var i = ChecksumLength - 1; i >= 0; i--)
        {
            (left, var digit) = Math.DivRem(left, (uint)Digits.Length);
            checksum[i] = Digits[(int)digit];
        }
        return checksum.ToString();
    }
}
