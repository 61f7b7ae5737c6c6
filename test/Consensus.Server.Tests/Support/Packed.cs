using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using MessagePack;

namespace Consensus.Server.Tests.Support;

/// <summary>MessagePack as a client would make and read it, apart from the product's own code.</summary>
internal static class Packed
{
    public delegate void Writing(ref MessagePackWriter writer);

    public static byte[] Write(Writing writing)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        writing(ref writer);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A map of one field.</summary>
    public static byte[] Of(string field, Writing value) => Write((ref MessagePackWriter writer) =>
    {
        writer.WriteMapHeader(1);
        writer.Write(field);
        value(ref writer);
    });

    /// <summary>The same request in MessagePack; null when the JSON is none, or says what MessagePack has other words for.</summary>
    public static byte[]? TryOf(string json)
    {
        try
        {
            if (json.Contains("Base64", StringComparison.Ordinal) || json.Contains("\\ud800", StringComparison.Ordinal))
            {
                return null;
            }
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object ? Write((ref MessagePackWriter writer) => Write(ref writer, root)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// An answer as the API's JSON would say it: bytes as a text where they are UTF-8, else in base64 under a name that says so.
    /// </summary>
    public static JsonNode? ToNode(byte[] bytes)
    {
        var reader = new MessagePackReader(bytes);
        var node = Read(ref reader);
        Assert.That(reader.End, Is.True, "nothing follows the document");
        return node;
    }

    private static void Write(ref MessagePackWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.EnumerateObject().Count());
                foreach (var member in value.EnumerateObject())
                {
                    writer.Write(member.Name);
                    Write(ref writer, member.Value);
                }
                break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray())
                {
                    Write(ref writer, item);
                }
                break;
            case JsonValueKind.String:
                writer.Write(value.GetString());
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var number):
                writer.Write(number);
                break;
            case JsonValueKind.Number:
                writer.Write(value.GetDouble());
                break;
            case JsonValueKind.Null:
                writer.WriteNil();
                break;
            default:
                writer.Write(value.GetBoolean());
                break;
        }
    }

    private static JsonNode? Read(ref MessagePackReader reader)
    {
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Nil:
                reader.ReadNil();
                return null;
            case MessagePackType.Boolean:
                return reader.ReadBoolean();
            case MessagePackType.Integer:
                return reader.ReadInt64();
            case MessagePackType.Float:
                return reader.ReadDouble();
            case MessagePackType.String:
                return reader.ReadString();
            case MessagePackType.Array:
                var items = new JsonArray();
                for (var left = reader.ReadArrayHeader(); left > 0; left--)
                {
                    items.Add(Read(ref reader));
                }
                return items;
            case MessagePackType.Map:
                var members = new JsonObject();
                for (var left = reader.ReadMapHeader(); left > 0; left--)
                {
                    ReadMember(ref reader, members);
                }
                return members;
            default:
                throw new AssertionException($"the API never answers with {reader.NextMessagePackType} here");
        }
    }

    private static void ReadMember(ref MessagePackReader reader, JsonObject members)
    {
        var name = reader.ReadString()!;
        if (reader.NextMessagePackType == MessagePackType.Binary)
        {
            var bytes = reader.ReadBytes()!.Value.ToArray();
            var isText = Utf8.IsValid(bytes);
            members.Add(isText ? name : name + "Base64", isText ? Encoding.UTF8.GetString(bytes) : Convert.ToBase64String(bytes));
        }
        else
        {
            members.Add(name, Read(ref reader));
        }
    }
}
