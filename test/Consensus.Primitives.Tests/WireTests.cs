using System.Runtime.InteropServices;
using System.Text;
using Consensus.Primitives.Wire;

namespace Consensus.Primitives.Tests;

public sealed class WireTests
{
    [Test]
    public void A_nested_message_of_any_length_has_a_minimal_length_prefix([Values(0, 1, 127, 128, 16_383, 16_384, 70_000)] int length)
    {
        var writer = new WireWriter();
        writer.Int64(1, 5);
        var start = writer.BeginMessage(2);
        writer.Raw(new byte[length]);
        writer.EndMessage(start);
        writer.Int64(3, 6);
        Assert.That(writer.Length, Is.EqualTo(2 + 1 + WireWriter.VarintSize((ulong)length) + length + 2));
        var reader = new WireReader(writer.Written);
        reader.NextField();
        Assert.That(reader.Int64(), Is.EqualTo(5));
        reader.NextField();
        Assert.That(reader.Bytes().Length, Is.EqualTo(length));
        reader.NextField();
        Assert.That(reader.Int64(), Is.EqualTo(6));
        Assert.That(reader.NextField(), Is.False);
    }

    [Test]
    public void A_large_value_in_messages_is_given_away_in_the_array_it_was_written_into()
    {
        var writer = new WireWriter();
        var outer = writer.BeginMessage(1);
        var inner = writer.BeginMessage(2);
        writer.Bytes(3, new byte[1_000_000]);
        writer.Int64(4, 5);
        writer.EndMessage(inner);
        writer.Int64(5, 6);
        writer.EndMessage(outer);
        MemoryMarshal.TryGetArray(writer.WrittenMemory, out var written);
        var taken = writer.Take();
        MemoryMarshal.TryGetArray(taken, out var array);
        Assert.That(array.Array, Is.SameAs(written.Array), "no copy was made");
        Assert.That(array.Array!, Has.Length.InRange(1_000_000, 1_001_000), "and no more than it takes");
        var before = taken.ToArray();
        writer.Bytes(3, [7, 7, 7]);
        Assert.That(writer.Length, Is.EqualTo(5), "it begins anew");
        Assert.That(taken.Span.SequenceEqual(before), Is.True, "and writes into another array");
    }

    [Test]
    public void Fields_are_the_same_bytes_wherever_the_array_has_to_grow()
    {
        var random = new DeterministicRandom(8);
        for (var round = 0; round < 3_000; round++)
        {
            // Filled to each place near its end, so that it grows before a tag, within one, behind one, and not at all.
            var writer = new WireWriter(initialCapacity: 100);
            var filled = new byte[random.Next(60, 100)];
            writer.Raw(filled);
            var expected = new List<byte>(filled);
            for (var i = 0; i < 4; i++)
            {
                var field = 1 + (int)random.Next(random.Chance(1, 2) ? 20 : 1 << 28);
                var value = (long)(random.NextUInt64() >> (int)random.Next(64));
                var bytes = new byte[random.Chance(1, 8) ? 300 : random.Next(6)];
                Array.Fill(bytes, (byte)'x');
                WriteOne(writer, (int)random.Next(7), field, value, bytes, expected);
            }
            Assert.That(writer.ToArray(), Is.EqualTo(expected), $"round {round}");
        }
    }

    /// <summary>One field, and the bytes that the format has for it.</summary>
    private static void WriteOne(WireWriter writer, int kind, int field, long value, byte[] bytes, List<byte> expected)
    {
        var wireType = kind switch
        {
            < 3 => WireType.Varint,
            3 => WireType.Fixed64,
            _ => WireType.LengthDelimited,
        };
        var isLeftOut = kind is 0 or 3 ? value == 0 : kind is 4 or 6 && bytes.Length == 0;
        if (!isLeftOut)
        {
            expected.AddRange(Varint(((ulong)field << 3) | (ulong)wireType));
            expected.AddRange(kind switch
            {
                0 or 1 => Varint((ulong)value),
                2 => [1],
                3 => BitConverter.GetBytes(value),
                _ => [.. Varint((ulong)bytes.Length), .. bytes],
            });
        }
        switch (kind)
        {
            case 0:
                writer.Int64(field, value);
                break;
            case 1:
                writer.Int64Always(field, value);
                break;
            case 2:
                writer.Bool(field, true);
                break;
            case 3:
                writer.Fixed64(field, (ulong)value);
                break;
            case 4:
                writer.Bytes(field, bytes);
                break;
            case 5:
                writer.BytesAlways(field, bytes);
                break;
            default:
                writer.String(field, Encoding.ASCII.GetString(bytes));
                break;
        }
    }

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            yield return (byte)(value | 0x80);
        }
        yield return (byte)value;
    }

    [TestCase(1_000, TestName = "What is small is given away as a copy and the writer keeps its array")]
    [TestCase(70_000, TestName = "What leaves much of its array empty is given away as a copy")]
    public void Taken_by_copy(int bytes)
    {
        var writer = new WireWriter(100_000);
        writer.Raw(new byte[bytes]);
        MemoryMarshal.TryGetArray(writer.WrittenMemory, out var written);
        MemoryMarshal.TryGetArray(writer.Take(), out var taken);
        Assert.That(taken.Array, Is.Not.SameAs(written.Array));
        Assert.That(taken.Array!, Has.Length.EqualTo(bytes));
        writer.Raw([1]);
        MemoryMarshal.TryGetArray(writer.WrittenMemory, out var next);
        Assert.That(next.Array, Is.SameAs(written.Array));
    }

    [Test]
    public void Numbers_read_back([Values(1, -1, 127, 128, long.MaxValue, long.MinValue)] long value)
    {
        var writer = new WireWriter();
        writer.Int64(1, value);
        writer.Fixed64(2, (ulong)value);
        var reader = new WireReader(writer.Written);
        reader.NextField();
        Assert.That(reader.Int64(), Is.EqualTo(value));
        reader.NextField();
        Assert.That((long)reader.Fixed64(), Is.EqualTo(value));
    }

    [TestCase(new byte[] { 0x08 }, TestName = "A varint that is cut short is refused")]
    [TestCase(new byte[] { 0x0A, 0x05, 0x01 }, TestName = "A length beyond the end is refused")]
    [TestCase(new byte[] { 0x00 }, TestName = "Field number zero is refused")]
    [TestCase(new byte[] { 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02 }, TestName = "A varint beyond 64 bits is refused")]
    [TestCase(new byte[] { 0x0B }, TestName = "A group is refused")]
    public void Malformed(byte[] bytes) => Assert.That(
        () =>
        {
            var reader = new WireReader(bytes);
            while (reader.NextField())
            {
                reader.Skip();
            }
        },
        Throws.TypeOf<WireFormatException>());

    [Test]
    public void A_state_hash_depends_on_order_and_on_where_parts_end()
    {
        Assert.That(StateHash.Initial.Add(1).Add(2), Is.Not.EqualTo(StateHash.Initial.Add(2).Add(1)));
        Assert.That(StateHash.Initial.Add("ab"u8).Add("c"u8), Is.Not.EqualTo(StateHash.Initial.Add("a"u8).Add("bc"u8)));
        Assert.That(StateHash.Initial.Add(0), Is.Not.EqualTo(StateHash.Initial));
    }

    [Test]
    public void The_seeded_generator_gives_the_published_sequence_of_SplitMix64()
    {
        var random = new DeterministicRandom(0);
        Assert.That(random.NextUInt64(), Is.EqualTo(0xE220A8397B1DCDAFUL));
        Assert.That(random.NextUInt64(), Is.EqualTo(0x6E789E6AA1B965F4UL));
    }

    [TestCase("1", 1L)]
    [TestCase("7fffffffffffffff", long.MaxValue)]
    [TestCase("0", 0L)]
    [TestCase("8000000000000000", 0L)]
    [TestCase("", 0L)]
    [TestCase("xyz", 0L)]
    [TestCase("11111111111111111", 0L)]
    public void A_lease_id_is_a_positive_63_bit_hexadecimal_number(string text, long expected) =>
        Assert.That(LeaseId.TryParse(text, out var id) ? id.Value : 0, Is.EqualTo(expected));
}
