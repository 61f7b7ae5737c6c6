using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Packed;
using Consensus.Api.Transactions;
using Consensus.Client.Transport;
using MessagePack;

namespace Consensus.Client;

/// <summary>The bodies of answers, in either form. A body tells its form by its first byte.</summary>
internal static class AnswerBody
{
    /// <summary>To be asked for with what has values in it.</summary>
    public const string RatherPacked = ApiMediaTypes.MessagePack + ", " + ApiMediaTypes.Json + ";q=0.5";

    public static string TypeOf(ReadOnlySpan<byte> body) => PackedDocument.IsPacked(body) ? ApiMediaTypes.MessagePack : ApiMediaTypes.Json;

    /// <summary>Null when the body is not of the contract.</summary>
    public static T? Read<T>(byte[] body, JsonTypeInfo<T> type)
    {
        if (PackedDocument.IsPacked(body))
        {
            return ReadPacked(body, type);
        }
        try
        {
            return JsonSerializer.Deserialize(body, AnswerTypes.Checked(type));
        }
        catch (JsonException)
        {
            return default;
        }
    }

    /// <summary>
    /// What has values in it is read straight from its bytes; the rest is small, and read by way of JSON. Apart from the other form, so
    /// that whoever never has this one does not load the
    /// package for it.
    /// </summary>
    private static T? ReadPacked<T>(byte[] body, JsonTypeInfo<T> type)
    {
        try
        {
            if (typeof(T) != typeof(KeyListAnswer) && typeof(T) != typeof(TxnAnswer))
            {
                return JsonSerializer.Deserialize(PackedJson.ToJson(body, HttpTransport.MaxAnswerBytes), AnswerTypes.Checked(type));
            }
            var reader = new MessagePackReader(body);
            object answer = typeof(T) == typeof(KeyListAnswer) ? PackedAnswers.ReadList(ref reader) : PackedAnswers.ReadTxn(ref reader);
            return reader.End ? (T)answer : default;
        }
        catch (Exception error) when (error is JsonException or FormatException || PackedDocument.IsFault(error))
        {
            return default;
        }
    }
}
