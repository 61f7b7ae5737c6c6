using System.Buffers;
using System.Text;

namespace Consensus.StateMachine.Policies;

/// <summary>What names roles and principals may have.</summary>
public static class PolicyNames
{
    public const int FingerprintBytes = 32;

    /// <summary>Of the hash of a token's secret.</summary>
    public const int SecretBytes = 32;

    public const int TokenIdLength = 11;

    /// <summary>At the end of a principal's name: all that begin with what stands before it.</summary>
    public const char Wildcard = '*';

    /// <summary>As a role may be called: letters, digits, <c>.</c>, <c>_</c> and <c>-</c>.</summary>
    public static bool IsRole(string name, Limits limits) =>
        name.Length > 0 && name.Length <= limits.MaxPolicyNameBytes
            && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');

    /// <summary>
    /// As rights may be bound to: any text without control characters, with a wildcard at most at its end; not the name that is shown by
    /// the socket alone.
    /// </summary>
    public static bool IsBinding(string name, Limits limits) =>
        name.Length > 0 && name != Actor.Local
        && Encoding.UTF8.GetByteCount(name) <= limits.MaxPolicyNameBytes
        && IsPlain(name.EndsWith(Wildcard) ? name[..^1] : name);

    /// <summary>As a token may be called: so many letters and digits, which are random.</summary>
    public static bool IsTokenId(string id) => id.Length == TokenIdLength && id.All(char.IsAsciiLetterOrDigit);

    /// <summary>Whom a token may name: a name that roles can be bound to, and no pattern.</summary>
    public static bool IsTokenHolder(string name, Limits limits) => IsBinding(name, limits) && !name.EndsWith(Wildcard);

    /// <summary>As a credential may name somebody: a name that no binding can be mistaken for.</summary>
    public static bool IsPlain(string name)
    {
        for (var rest = name.AsSpan(); !rest.IsEmpty;)
        {
            // Half a character has no bytes of its own: two names could have the same.
            if (Rune.DecodeFromUtf16(rest, out var letter, out var length) != OperationStatus.Done || Rune.IsControl(letter)
                || letter.Value == Wildcard)
            {
                return false;
            }
            rest = rest[length..];
        }
        return true;
    }
}
