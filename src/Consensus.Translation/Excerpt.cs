using System.Text;
using Consensus.StateMachine;

namespace Consensus.Translation;

/// <summary>
/// What a sentence quotes of something that a stranger wrote: enough to know it again. What is quoted whole makes an answer as large as its
/// request, and that is held in no budget.
/// </summary>
public static class Excerpt
{
    /// <summary>Characters (UTF-16) of what is quoted.</summary>
    public const int MostCharacters = 64;

    private const int MostBytesOfACharacter = 3;

    private const string Cut = "…";

    /// <summary>The text, or its beginning and an ellipsis. Never half of a surrogate pair.</summary>
    public static string Of(string text, int mostCharacters = MostCharacters)
    {
        if (text.Length <= mostCharacters)
        {
            return text;
        }
        var end = char.IsHighSurrogate(text[mostCharacters - 1]) ? mostCharacters - 1 : mostCharacters;
        return string.Concat(text.AsSpan(0, end), Cut);
    }

    /// <summary>The same of UTF-8, of which no more is decoded than is shown: what is none shows as replacement characters.</summary>
    public static string Of(ReadOnlySpan<byte> utf8)
    {
        // A character that is cut in two comes after those that are shown.
        const int Most = (MostCharacters + 2) * MostBytesOfACharacter;
        return Of(Encoding.UTF8.GetString(utf8.Length > Most ? utf8[..Most] : utf8));
    }

    public static string Of(Key key) => Of(key.Bytes);
}
