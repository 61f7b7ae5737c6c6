using System.Text.Json;
using Consensus.Primitives;
using Consensus.Server.Documents;
using Consensus.StateMachine;

namespace Consensus.Server.KeyValue;

/// <summary>Keys and values in answers, straight from their bytes: the shape of <see cref="Api.KeyValue.KeyAnswer"/>.</summary>
internal static class KeyDocument
{
    private const int KeyFields = 1, ValueFields = 1, FactFields = 4;

    private static readonly FieldName KeyName = new("key");
    private static readonly FieldName Value = new("value");
    private static readonly FieldName CreateRevision = new("createRevision");
    private static readonly FieldName ModRevision = new("modRevision");
    private static readonly FieldName Version = new("version");
    private static readonly FieldName Lease = new("lease");

    public static void WriteItem<TWriter>(ref TWriter writer, Key key, KeyRecord record, bool withValue)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.BeginObject(KeyFields + (withValue ? ValueFields : 0) + FactFields);
        WriteMembers(ref writer, key, record, withValue);
        writer.EndObject();
    }

    public static void WriteItem(Utf8JsonWriter json, Key key, KeyRecord record, bool withValue)
    {
        var writer = new JsonDocumentWriter(json);
        WriteItem(ref writer, key, record, withValue);
    }

    /// <summary>The members of an item, within an object that may have more.</summary>
    public static void WriteMembers(Utf8JsonWriter json, Key key, KeyRecord record, bool withValue)
    {
        var writer = new JsonDocumentWriter(json);
        WriteMembers(ref writer, key, record, withValue);
    }

    public static void WritePut<TWriter>(
        ref TWriter writer, Key key, Revision createRevision, Revision modRevision, long version, LeaseId lease)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.BeginObject(KeyFields + FactFields);
        writer.TextOrBytes(KeyName, key.Bytes);
        WriteFacts(ref writer, createRevision, modRevision, version, lease);
        writer.EndObject();
    }

    public static void WriteKey(Utf8JsonWriter json, Key key) => new JsonDocumentWriter(json).TextOrBytes(KeyName, key.Bytes);

    private static void WriteMembers<TWriter>(ref TWriter writer, Key key, KeyRecord record, bool withValue)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.TextOrBytes(KeyName, key.Bytes);
        if (withValue)
        {
            writer.Bytes(Value, record.Value.Span);
        }
        WriteFacts(ref writer, record.CreateRevision, record.ModRevision, record.Version, record.Lease);
    }

    private static void WriteFacts<TWriter>(ref TWriter writer, Revision createRevision, Revision modRevision, long version, LeaseId lease)
        where TWriter : IDocumentWriter, allows ref struct
    {
        writer.Number(CreateRevision, createRevision.Value);
        writer.Number(ModRevision, modRevision.Value);
        writer.Number(Version, version);
        writer.Text(Lease, lease.IsNone ? null : lease.ToString());
    }
}

/// <summary>A key with its record.</summary>
internal readonly struct KeyItemDocument(Key key, KeyRecord record) : IDocument
{
    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IDocumentWriter, allows ref struct => KeyDocument.WriteItem(ref writer, key, record, withValue: true);
}
