using System.Buffers;
using Consensus.Api.Packed;
using MessagePack;

namespace Consensus.Cli.Output;

/// <summary>The pages of a list in MessagePack as one document: the first page's, with all pages' items, which go as they came.</summary>
internal static class PackedPages
{
    private const string Items = "items";

    private const string NextCursor = "nextCursor";

    /// <summary>A part of a page, as it came.</summary>
    private readonly record struct Member(string Name, ReadOnlySequence<byte> Value);

    /// <param name="pages">At least one; each was read as the list that it is already.</param>
    public static ReadOnlyMemory<byte> Join(IReadOnlyList<ReadOnlyMemory<byte>> pages)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        var members = pages.Select(MembersOf).ToList();
        writer.WriteMapHeader(members[0].Count);
        foreach (var (name, value) in members[0])
        {
            writer.Write(name);
            switch (name)
            {
                case Items:
                    WriteItems(ref writer, [.. members.Select(page => page.Find(member => member.Name == Items).Value)]);
                    break;
                case NextCursor:
                    writer.WriteRaw(members[^1].Find(member => member.Name == NextCursor).Value);
                    break;
                default:
                    writer.WriteRaw(value);
                    break;
            }
        }
        writer.Flush();
        return output.WrittenMemory;
    }

    private static List<Member> MembersOf(ReadOnlyMemory<byte> page)
    {
        var members = new List<Member>();
        var reader = new MessagePackReader(page);
        for (var left = reader.ReadMapHeader(); left > 0; left--)
        {
            var name = reader.ReadString() ?? "";
            var from = reader.Position;
            PackedJson.Skip(ref reader);
            members.Add(new Member(name, reader.Sequence.Slice(from, reader.Position)));
        }
        return members;
    }

    private static void WriteItems(ref MessagePackWriter writer, ReadOnlySequence<byte>[] lists)
    {
        var count = 0;
        var contents = new List<ReadOnlySequence<byte>>();
        foreach (var list in lists)
        {
            var reader = new MessagePackReader(list);
            count += reader.ReadArrayHeader();
            contents.Add(list.Slice(reader.Position));
        }
        writer.WriteArrayHeader(count);
        foreach (var content in contents)
        {
            writer.WriteRaw(content);
        }
    }
}
