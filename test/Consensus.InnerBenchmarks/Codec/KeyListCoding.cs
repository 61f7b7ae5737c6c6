using BenchmarkDotNet.Attributes;
using Consensus.Api.KeyValue;
using Consensus.Client;
using Consensus.Primitives;
using Consensus.Server.Documents;
using Consensus.Server.Http;
using Consensus.Server.KeyValue;
using Consensus.StateMachine;

namespace Consensus.InnerBenchmarks.Codec;

/// <summary>
/// A page of 100 keys with binary values, as a member writes it and the .NET client reads it, to the bytes of the values. The size of
/// each is in the benchmark's setup.
/// </summary>
public class KeyListCoding
{
    private const int Keys = 100;

    private readonly List<KeyItem> _items =
        [.. Enumerable.Range(0, Keys).Select(number => new KeyItem(Samples.Key(number), RecordOf(number)))];

    private byte[] _json = [];
    private byte[] _packed = [];

    [GlobalSetup]
    public void Prepare()
    {
        _json = Encode(MediaForms.Json);
        _packed = Encode(MediaForms.MessagePack);
        Console.WriteLine($"// {Keys} values of {Samples.ValueBytes} bytes: {_json.Length} bytes of JSON, {_packed.Length} of MessagePack");
    }

    [Benchmark]
    public byte[] EncodeJson() => Encode(MediaForms.Json);

    [Benchmark]
    public byte[] EncodePacked() => Encode(MediaForms.MessagePack);

    [Benchmark]
    public List<KeyEntry> DecodeJson() => Entries(AnswerBody.Read(_json, ClientJson.Default.KeyListAnswer)!);

    [Benchmark]
    public List<KeyEntry> DecodePacked() => Entries(AnswerBody.Read(_packed, ClientJson.Default.KeyListAnswer)!);

    private static KeyRecord RecordOf(int number) =>
        new(Samples.Value(), new Revision(7), new Revision(1_000_000 + number), 3, LeaseId.None);

    private static List<KeyEntry> Entries(KeyListAnswer page) => [.. page.Items.Select(KeyEntry.Of)];

    private byte[] Encode(MediaForms form)
    {
        var buffer = JsonBuffer.Rent();
        buffer.Write(new Page(_items), form);
        var bytes = buffer.ToBytes(0, 0);
        buffer.Return();
        return bytes;
    }

    /// <summary>As <see cref="KeyPage"/>, without a store behind it.</summary>
    private readonly struct Page(List<KeyItem> items) : IDocument
    {
        private static readonly FieldName Items = new("items");
        private static readonly FieldName Count = new("count");
        private static readonly FieldName Revision = new("revision");
        private static readonly FieldName NextCursor = new("nextCursor");

        public void WriteTo<TWriter>(ref TWriter writer)
            where TWriter : IDocumentWriter, allows ref struct
        {
            writer.BeginObject(4);
            writer.BeginItems(Items);
            foreach (var (key, record) in items)
            {
                KeyDocument.WriteItem(ref writer, key, record, withValue: true);
            }
            writer.EndItems(items.Count);
            writer.Number(Count, items.Count);
            writer.Number(Revision, 1_000_100);
            writer.Text(NextCursor, null);
            writer.EndObject();
        }
    }
}
