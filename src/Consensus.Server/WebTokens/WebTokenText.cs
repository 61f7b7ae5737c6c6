using System.Buffers.Text;
using System.Text.Json;

namespace Consensus.Server.WebTokens;

/// <summary>The encodings of tokens, read without leniency: what two readers could read in two ways is read by none.</summary>
internal static class WebTokenText
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>Base64url without padding, white space or bits that say nothing: each content has one text.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.ContainsAnyExcept(Alphabet) || text.Length % 4 == 1)
        {
            return false;
        }
        try
        {
            bytes = Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return false;
        }
        return text.SequenceEqual(Base64Url.EncodeToString(bytes));
    }

    /// <summary>One object, in which no name stands twice; null where it is anything else.</summary>
    public static JsonDocument? ReadObject(ReadOnlyMemory<byte> utf8)
    {
        var document = Read(utf8);
        if (document is not { RootElement.ValueKind: JsonValueKind.Object })
        {
            document?.Dispose();
            return null;
        }
        return document;
    }

    /// <summary>Any JSON in which every text is one, and no object has a name twice; null where it is anything else.</summary>
    public static JsonDocument? Read(ReadOnlyMemory<byte> utf8)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(utf8, Strict);
            ReadTexts(document.RootElement);
            return document;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // The last two: half a character, by its bytes or by an escape, which the parser leaves to whoever asks for the text.
            document?.Dispose();
            return null;
        }
    }

    private static void ReadTexts(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                json.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in json.EnumerateArray())
                {
                    ReadTexts(item);
                }
                break;
            case JsonValueKind.Object:
                foreach (var member in json.EnumerateObject())
                {
                    _ = member.Name;
                    ReadTexts(member.Value);
                }
                break;
            default:
                break;
        }
    }

    private static readonly System.Buffers.SearchValues<char> Alphabet =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}
