using System.Text;
using System.Text.Unicode;
using Consensus.Api.KeyValue;
using Consensus.Api.Packed;
using Consensus.Api.Transactions;
using MessagePack;

namespace Consensus.Client;

/// <summary>
/// Reads lists of keys and answers to transactions from MessagePack: as <see cref="ClientJson"/>, it passes over members that it does not
/// know, if they can be shown as JSON. No memory is taken for what a header declares.
/// </summary>
/// <remarks>They throw <see cref="FormatException"/> for what is not of the contract, and a <see cref="PackedDocument.IsFault"/> for what
/// is no MessagePack.</remarks>
internal static class PackedAnswers
{
    public static KeyListAnswer ReadList(ref MessagePackReader reader)
    {
        List<KeyAnswer>? items = null;
        long? count = null, revision = null;
        (bool IsThere, string? Value) nextCursor = default;
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            switch (ReadName(ref reader))
            {
                case "items":
                    items = ReadKeys(ref reader);
                    break;
                case "count":
                    count = reader.ReadInt64();
                    break;
                case "revision":
                    revision = reader.ReadInt64();
                    break;
                case "nextCursor":
                    nextCursor = (true, ReadText(ref reader));
                    break;
                default:
                    PackedJson.PassOver(ref reader);
                    break;
            }
        }
        return new KeyListAnswer(
            items ?? throw Lacks("items"),
            count ?? throw Lacks("count"),
            revision ?? throw Lacks("revision"),
            nextCursor.IsThere ? nextCursor.Value : throw Lacks("nextCursor"));
    }

    public static TxnAnswer ReadTxn(ref MessagePackReader reader)
    {
        bool? succeeded = null;
        long? revision = null;
        List<TxnResultAnswer>? results = null;
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            switch (ReadName(ref reader))
            {
                case "succeeded":
                    succeeded = reader.ReadBoolean();
                    break;
                case "revision":
                    revision = reader.ReadInt64();
                    break;
                case "results":
                    results = [];
                    for (var more = reader.ReadArrayHeader(); more > 0; more--)
                    {
                        results.Add(ReadResult(ref reader));
                    }
                    break;
                default:
                    PackedJson.PassOver(ref reader);
                    break;
            }
        }
        return new TxnAnswer(succeeded ?? throw Lacks("succeeded"), revision ?? throw Lacks("revision"), results ?? throw Lacks("results"));
    }

    private static TxnResultAnswer ReadResult(ref MessagePackReader reader)
    {
        var result = new TxnResultAnswer();
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            switch (ReadName(ref reader))
            {
                case "put":
                    result = result with { Put = ReadKey(ref reader) };
                    break;
                case "delete":
                    result = result with { Delete = ReadDeleted(ref reader) };
                    break;
                case "get":
                    result = result with { Get = ReadItems(ref reader) };
                    break;
                default:
                    PackedJson.PassOver(ref reader);
                    break;
            }
        }
        return Checked(result);
    }

    private static TxnDeletedAnswer ReadDeleted(ref MessagePackReader reader)
    {
        long? deleted = null;
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            if (ReadName(ref reader) == "deleted")
            {
                deleted = reader.ReadInt64();
            }
            else
            {
                PackedJson.PassOver(ref reader);
            }
        }
        return new TxnDeletedAnswer(deleted ?? throw Lacks("deleted"));
    }

    private static TxnItemsAnswer ReadItems(ref MessagePackReader reader)
    {
        var answer = new TxnItemsAnswer();
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            switch (ReadName(ref reader))
            {
                case "items":
                    answer = answer with { Items = ReadKeys(ref reader) };
                    break;
                case "count":
                    answer = answer with { Count = reader.ReadInt64() };
                    break;
                case "omitted":
                    answer = answer with { Omitted = reader.ReadBoolean() };
                    break;
                default:
                    PackedJson.PassOver(ref reader);
                    break;
            }
        }
        return Checked(answer);
    }

    private static List<KeyAnswer> ReadKeys(ref MessagePackReader reader)
    {
        var keys = new List<KeyAnswer>();
        for (var left = reader.ReadArrayHeader(); left > 0; left--)
        {
            keys.Add(ReadKey(ref reader));
        }
        return keys;
    }

    private static KeyAnswer ReadKey(ref MessagePackReader reader)
    {
        string? text = null, base64 = null;
        (bool IsThere, string? Id) lease = default;
        byte[]? value = null;
        long? created = null, modified = null, version = null;
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            if (!reader.TryReadStringSpan(out var name))
            {
                throw new FormatException("the name of a member is no text");
            }
            switch (name)
            {
                case var _ when name.SequenceEqual("key"u8) && reader.NextMessagePackType == MessagePackType.Binary:
                    base64 = Convert.ToBase64String(ReadBytes(ref reader));
                    break;
                case var _ when name.SequenceEqual("key"u8):
                    text = ReadText(ref reader);
                    break;
                case var _ when name.SequenceEqual("value"u8):
                    value = ReadBytes(ref reader);
                    break;
                case var _ when name.SequenceEqual("createRevision"u8):
                    created = reader.ReadInt64();
                    break;
                case var _ when name.SequenceEqual("modRevision"u8):
                    modified = reader.ReadInt64();
                    break;
                case var _ when name.SequenceEqual("version"u8):
                    version = reader.ReadInt64();
                    break;
                case var _ when name.SequenceEqual("lease"u8):
                    lease = (true, ReadText(ref reader));
                    break;
                default:
                    PassOver(ref reader, name);
                    break;
            }
        }
        return Checked(new KeyAnswer
        {
            Key = text,
            KeyBase64 = base64,
            ValueBytes = value is null ? null : (ReadOnlyMemory<byte>?)value,
            CreateRevision = created ?? throw Lacks("createRevision"),
            ModRevision = modified ?? throw Lacks("modRevision"),
            Version = version ?? throw Lacks("version"),
            Lease = lease.IsThere ? lease.Id : throw Lacks("lease"),
        });
    }

    /// <summary>As strictly as JSON is read: in a text that is no UTF-8 something else would stand for what it had.</summary>
    private static string? ReadText(ref MessagePackReader reader) =>
        reader.TryReadNil() ? null
        : reader.TryReadStringSpan(out var text) && Utf8.IsValid(text) ? Encoding.UTF8.GetString(text)
        : throw new FormatException("what should be a text is not");

    private static string ReadName(ref MessagePackReader reader) =>
        ReadText(ref reader) ?? throw new FormatException("the name of a member is no text");

    private static void PassOver(ref MessagePackReader reader, ReadOnlySpan<byte> name)
    {
        if (!Utf8.IsValid(name))
        {
            throw new FormatException("the name of a member is not UTF-8");
        }
        PackedJson.PassOver(ref reader);
    }

    /// <summary>A copy: a value must not keep the whole answer.</summary>
    private static byte[] ReadBytes(ref MessagePackReader reader) =>
        reader.NextMessagePackType == MessagePackType.Binary && reader.ReadBytes() is { } bytes
        ? System.Buffers.BuffersExtensions.ToArray(bytes)
        : throw new FormatException("what should be bytes is not");

    private static T Checked<T>(T document)
        where T : class => AnswerTypes.Lacks(document) is { } member ? throw Lacks(member) : document;

    private static FormatException Lacks(string member) => new($"the answer lacks \"{member}\"");
}
