using System.Text.Json;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>What a decision or a message needs of an RFC 9457 document that a member gave; anything else in it is left alone.</summary>
internal readonly record struct ProblemDocument(ProblemType Type, string Detail)
{
    /// <summary>Reads a body; null when it is no problem of the contract, or none that comes with that status.</summary>
    public static ProblemDocument? Read(int status, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && Text(root, "type") is { } uri && ProblemTypes.Find(uri, status) is { } type
                ? new ProblemDocument(type, Text(root, "detail") ?? Text(root, "title") ?? type.Title)
                : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The latter is for text with half a surrogate pair, which is well-formed JSON (RFC 8259 §8.2) and no string.
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
