using System.Buffers;
using System.Text.Json;
using Consensus.Api;
using MessagePack;

namespace Consensus.Server.Documents;

/// <summary>The name of a field, encoded once for both forms.</summary>
internal sealed class FieldName(string name)
{
    public JsonEncodedText Json { get; } = JsonEncodedText.Encode(name);

    /// <summary>Where JSON has to carry in base64 what the field holds.</summary>
    public JsonEncodedText JsonBase64 { get; } = JsonEncodedText.Encode(name + ApiMediaTypes.Base64Suffix);

    /// <summary>As a text of MessagePack, with its header.</summary>
    public byte[] Packed { get; } = Encode(name);

    private static byte[] Encode(string name)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        writer.Write(name);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
