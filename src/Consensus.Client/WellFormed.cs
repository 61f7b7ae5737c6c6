using System.Runtime.CompilerServices;

namespace Consensus.Client;

/// <summary>
/// Text that UTF-8 can carry. Half of a surrogate pair cannot be: encoded all the same it would become another text, and two different keys one.
/// </summary>
internal static class WellFormed
{
    /// <param name="text">Null is left to whoever minds it.</param>
    /// <exception cref="ArgumentException">It has half of a surrogate pair.</exception>
    public static void Text(string? text, [CallerArgumentExpression(nameof(text))] string? parameter = null)
    {
        if (LoneSurrogate(text) is { } index)
        {
            throw new ArgumentException($"The text has half of a surrogate pair at index {index}, which UTF-8 cannot carry.", parameter);
        }
    }

    /// <summary>As <see cref="Text"/>, for what must be there.</summary>
    /// <exception cref="ArgumentException">It is null or empty, or has half of a surrogate pair.</exception>
    public static void Name(string? name, [CallerArgumentExpression(nameof(name))] string? parameter = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name, parameter);
        Text(name, parameter);
    }

    /// <summary>What all holds are asked for with.</summary>
    /// <exception cref="ArgumentException">A text of it has half of a surrogate pair.</exception>
    public static void Options(HoldOptions options)
    {
        Text(options.Owner);
        Text(options.Metadata);
    }

    private static int? LoneSurrogate(ReadOnlySpan<char> text)
    {
        for (var index = 0; index < text.Length; index++)
        {
            var next = text[index..].IndexOfAnyInRange('\ud800', '\udfff');
            if (next < 0)
            {
                return null;
            }
            index += next;
            if (index + 1 == text.Length || !char.IsSurrogatePair(text[index], text[index + 1]))
            {
                return index;
            }
            index++;
        }
        return null;
    }
}
