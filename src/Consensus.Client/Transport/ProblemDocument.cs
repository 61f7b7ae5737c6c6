using System.Text.Json;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>The two members of an RFC 9457 document that a decision or a message needs; anything else in a body is left alone.</summary>
internal readonly record struct ProblemDocument(string Slug, string? Detail)
{
    /// <summary>Reads a body; one that is no problem document gives an empty slug and no detail.</summary>
    public static ProblemDocument Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return new ProblemDocument("", null);
            }
            var type = Text(root, "type");
            return new ProblemDocument(
                type?.StartsWith(ProblemType.UriPrefix, StringComparison.Ordinal) == true ? type[ProblemType.UriPrefix.Length..] : "",
                Text(root, "detail") ?? Text(root, "title"));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The latter is for text with half a surrogate pair, which is well-formed JSON (RFC 8259 §8.2) and no string.
            return new ProblemDocument("", null);
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
