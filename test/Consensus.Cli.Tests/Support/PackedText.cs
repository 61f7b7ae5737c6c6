using System.Buffers;
using System.Text;
using System.Text.Json;
using MessagePack;

namespace Consensus.Cli.Tests.Support;

/// <summary>JSON as a member would say it in MessagePack: values of keys as bytes.</summary>
internal static class PackedText
{
    public static byte[] Of(string json)
    {
        using var document = JsonDocument.Parse(json);
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        Write(ref writer, document.RootElement, "");
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    private static void Write(ref MessagePackWriter writer, JsonElement value, string name)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteMapHeader(value.EnumerateObject().Count());
                foreach (var member in value.EnumerateObject())
                {
                    writer.Write(member.Name.Replace("Base64", "", StringComparison.Ordinal));
                    Write(ref writer, member.Value, member.Name);
                }
                break;
            case JsonValueKind.Array:
                writer.WriteArrayHeader(value.GetArrayLength());
                foreach (var item in value.EnumerateArray())
                {
                    Write(ref writer, item, "");
                }
                break;
            case JsonValueKind.String when name.EndsWith("Base64", StringComparison.Ordinal):
                writer.Write(value.GetBytesFromBase64());
                break;
            case JsonValueKind.String when name == "value":
                writer.Write(Encoding.UTF8.GetBytes(value.GetString()!));
                break;
            case JsonValueKind.String:
                writer.Write(value.GetString());
                break;
            case JsonValueKind.Number:
                writer.Write(value.GetInt64());
                break;
            case JsonValueKind.Null:
                writer.WriteNil();
                break;
            default:
                writer.Write(value.GetBoolean());
                break;
        }
    }
}
