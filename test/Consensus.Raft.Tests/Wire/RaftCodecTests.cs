using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Wire;

public sealed class RaftCodecTests
{
    private static IEnumerable<int> EntryNumbers => Enumerable.Range(0, Samples.Entries.Length);

    private static IEnumerable<int> MessageNumbers => Enumerable.Range(0, Samples.Messages.Length);

    [Test]
    public void Every_message_type_has_a_sample()
    {
        var types = typeof(Message).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Message)));
        Assert.That(Samples.Messages.Select(m => m.GetType()).Distinct(), Is.EquivalentTo(types));
    }

    [TestCaseSource(nameof(EntryNumbers))]
    public void Entry_is_the_same_after_its_journey(int number)
    {
        var entry = Samples.Entries[number];
        Samples.AssertSame(RaftCodec.ReadEntry(Encode(entry)), entry);
    }

    [TestCaseSource(nameof(MessageNumbers))]
    public void Message_is_the_same_after_its_journey(int number)
    {
        var message = Samples.Messages[number];
        Samples.AssertSame(RaftCodec.ReadMessage(Encode(message))!, message);
    }

    [Test]
    public void Configuration_and_mark_are_the_same_after_their_journey()
    {
        var writer = new WireWriter();
        RaftCodec.WriteConfiguration(writer, Samples.Configuration);
        Samples.AssertSame(RaftCodec.ReadConfiguration(writer.Written), Samples.Configuration);
        writer.Clear();
        RaftCodec.WriteSnapshotMark(writer, Samples.Mark);
        var mark = RaftCodec.ReadSnapshotMark(writer.Written);
        Samples.AssertSame(mark.Configuration, Samples.Configuration);
        Assert.That(mark with { Configuration = Samples.Configuration }, Is.EqualTo(Samples.Mark));
    }

    [Test]
    public void Payload_that_was_read_is_a_copy()
    {
        var bytes = Encode(Make.Entry(1, 1, payload: [1, 2, 3]));
        var entry = RaftCodec.ReadEntry(bytes);
        Array.Clear(bytes);
        Assert.That(entry.Payload.ToArray(), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [TestCase(9)]
    [TestCase(10)]
    [TestCase(11)]
    [TestCase(12)]
    [TestCase(500)]
    public void Entry_with_an_unknown_field_is_refused(int field)
    {
        // Rule 12: also for the fields that are kept free for group id, compression and encryption.
        var writer = new WireWriter();
        RaftCodec.WriteEntry(writer, Make.Entry(1, 1));
        writer.Int64(field, 1);
        Refused(() => RaftCodec.ReadEntry(writer.ToArray()));
    }

    [Test]
    public void Entry_of_an_unknown_kind_is_refused()
    {
        var writer = new WireWriter();
        writer.Int64(3, 4);
        Refused(() => RaftCodec.ReadEntry(writer.ToArray()));
        writer.Clear();
        writer.Int64(3, -1);
        Refused(() => RaftCodec.ReadEntry(writer.ToArray()));
    }

    [Test]
    public void Request_id_configuration_and_mark_with_unknown_fields_are_refused()
    {
        var writer = new WireWriter();
        var nested = writer.BeginMessage(5);
        writer.Int64(4, 1);
        writer.EndMessage(nested);
        Refused(() => RaftCodec.ReadEntry(writer.ToArray()));

        writer.Clear();
        RaftCodec.WriteConfiguration(writer, Samples.Configuration);
        writer.Int64(5, 1);
        Refused(() => RaftCodec.ReadConfiguration(writer.ToArray()));

        writer.Clear();
        RaftCodec.WriteSnapshotMark(writer, Samples.Mark);
        writer.Int64(5, 1);
        Refused(() => RaftCodec.ReadSnapshotMark(writer.ToArray()));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    [TestCase(7)]
    public void Negative_number_in_an_entry_is_refused(int field)
    {
        var writer = new WireWriter();
        writer.Int64(field, -1);
        Refused(() => RaftCodec.ReadEntry(writer.ToArray()));
    }

    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(9)]
    public void Negative_number_in_an_append_request_is_refused(int field)
    {
        var writer = new WireWriter();
        var body = writer.BeginMessage(5);
        writer.Int64(field, long.MinValue);
        writer.EndMessage(body);
        Refused(() => RaftCodec.ReadMessage(writer.ToArray()));
    }

    [Test]
    public void Member_id_above_63_bits_is_refused()
    {
        var writer = new WireWriter();
        var body = writer.BeginMessage(10);
        writer.Fixed64(1, 1UL << 63);
        writer.EndMessage(body);
        Refused(() => RaftCodec.ReadMessage(writer.ToArray()));
    }

    [Test]
    public void Unknown_fields_of_a_message_are_skipped()
    {
        foreach (var message in Samples.Messages)
        {
            var known = Encode(message);
            var reader = new WireReader(known);
            Assert.That(reader.NextField(), Is.True);
            var type = reader.Field;
            var body = reader.Bytes().ToArray();
            var writer = new WireWriter();
            writer.Int64(200, 7);
            var start = writer.BeginMessage(type);
            writer.Int64(100, -7);
            writer.BytesAlways(101, [1, 2, 3]);
            writer.Raw(body);
            writer.Fixed64(102, 5);
            writer.EndMessage(start);
            writer.String(201, "more");
            Samples.AssertSame(RaftCodec.ReadMessage(writer.Written)!, message);
        }
    }

    [Test]
    public void Message_of_an_unknown_type_is_null()
    {
        var writer = new WireWriter();
        var body = writer.BeginMessage(13);
        writer.Int64(1, 1);
        writer.EndMessage(body);
        Assert.That(RaftCodec.ReadMessage(writer.Written), Is.Null);
        Assert.That(RaftCodec.ReadMessage([]), Is.Null);
    }

    [Test]
    public void Message_with_two_bodies_is_refused()
    {
        byte[] two = [.. Encode(Samples.Messages[0]), .. Encode(Samples.Messages[1])];
        Refused(() => RaftCodec.ReadMessage(two));
    }

    [Test]
    public void Configuration_that_makes_no_sense_is_refused()
    {
        var one = Make.Member(1);
        var two = Make.Member(2);
        Configuration[] nonsense =
        [
            new([two, one], [], [], []),
            new([one, one], [], [], []),
            new([new Member(MemberId.None, "x", "")], [], [], []),
            new([one], [Make.Id(2)], [], []),
            new([one], [], [Make.Id(2)], []),
            new([one], [], [], [Make.Id(2)]),
            new([one, two], [Make.Id(2), Make.Id(1)], [], []),
            new([one, two], [Make.Id(1), Make.Id(1)], [], []),
            new([one, two], [Make.Id(1), Make.Id(2)], [], [Make.Id(2)]),
            new Configuration([one, two], [Make.Id(1), Make.Id(2)], [], []) { Removed = [Make.Id(2)] },
        ];
        foreach (var configuration in nonsense)
        {
            var writer = new WireWriter();
            RaftCodec.WriteConfiguration(writer, configuration);
            Refused(() => RaftCodec.ReadConfiguration(writer.ToArray()));
        }
    }

    [Test]
    public void Ids_that_are_not_packed_are_read_too()
    {
        var writer = new WireWriter();
        RaftCodec.WriteConfiguration(writer, new Configuration([Make.Member(1), Make.Member(2)], [], [], []));
        writer.Fixed64(2, 1);
        writer.Fixed64(2, 2);
        Assert.That(RaftCodec.ReadConfiguration(writer.Written).Voters, Is.EqualTo(new[] { Make.Id(1), Make.Id(2) }));
    }

    [Test]
    public void Cut_message_is_refused_or_shorter_but_never_another_exception([Range(0, 11)] int number)
    {
        var bytes = Encode(Samples.Messages[number]);
        for (var length = 1; length < bytes.Length; length++)
        {
            var cut = bytes[..length];
            Refused(() => RaftCodec.ReadMessage(cut));
        }
    }

    internal static byte[] Encode(Entry entry)
    {
        var writer = new WireWriter();
        RaftCodec.WriteEntry(writer, entry);
        return writer.ToArray();
    }

    internal static byte[] Encode(Message message)
    {
        var writer = new WireWriter();
        RaftCodec.WriteMessage(writer, message);
        return writer.ToArray();
    }

    private static void Refused(Action read) => Assert.That(read, Throws.TypeOf<WireFormatException>());
}
