using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Json;
using Consensus.Api.Packed;

namespace Consensus.Client;

/// <summary>
/// Requests as they are sent: the contract's JSON or MessagePack, of texts that are well-formed. The serializer itself would put U+FFFD
/// for what is not.
/// </summary>
internal static class RequestJson
{
    /// <summary>Types of the contract for <see cref="Encode"/>.</summary>
    public static ApiJson Types { get; } = new(new JsonSerializerOptions(ApiJson.Default.Options) { Converters = { new StrictText(), new StrictRawJson() } });

    /// <param name="type">Of <see cref="Types"/>.</param>
    /// <param name="parameter">The caller's, which the texts come from.</param>
    /// <exception cref="ArgumentException">A text of it has half of a surrogate pair.</exception>
    public static ReadOnlyMemory<byte> Encode<T>(T request, JsonTypeInfo<T> type, string parameter)
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(request, type);
        }
        catch (IllFormedException error)
        {
            throw new ArgumentException(error.Message, parameter);
        }
    }

    /// <summary>
    /// As <see cref="Encode"/>, in MessagePack, and what is said in base64 as bytes. Null where something is no base64 or no JSON, or a
    /// number that MessagePack says otherwise: as JSON the server judges what was meant.
    /// </summary>
    public static ReadOnlyMemory<byte>? Pack<T>(T request, JsonTypeInfo<T> type, string parameter)
    {
        var output = new ArrayBufferWriter<byte>();
        try
        {
            PackedDocument.WriteRequest(output, request, type, text => Checked(text));
            return output.WrittenMemory;
        }
        catch (FormatException)
        {
            return null;
        }
        catch (IllFormedException error)
        {
            throw new ArgumentException(error.Message, parameter);
        }
    }

    private static string Checked(string text)
    {
        try
        {
            WellFormed.Text(text);
            return text;
        }
        catch (ArgumentException error)
        {
            throw new IllFormedException(error.Message);
        }
    }

    private sealed class IllFormedException(string message) : Exception(message);

    private sealed class StrictText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(Checked(value));
    }

    private sealed class StrictRawJson : JsonConverter<RawJson>
    {
        private static readonly RawJsonConverter Plain = new();

        public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Plain.Read(ref reader, typeToConvert, options);

        public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options)
        {
            Checked(value.Text);
            Plain.Write(writer, value, options);
        }
    }
}
