using System.Buffers;

namespace Consensus.Primitives;

/// <summary>What a member may be called (rule 17). No regular expression: to load what reads one costs a start more than all other options together.</summary>
public static class MemberName
{
    /// <summary>In characters, each of which is a byte.</summary>
    public const int MaxLength = 63;

    /// <summary>The rule in words.</summary>
    public const string Form = "1 to 63 of A-Z a-z 0-9 . _ -";

    private static readonly SearchValues<char> Characters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    public static bool IsValid(string text) => text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyExcept(Characters);
}
