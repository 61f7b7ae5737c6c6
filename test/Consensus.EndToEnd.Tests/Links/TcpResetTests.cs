using System.Buffers.Binary;
using Consensus.Chaos.Machines;

namespace Consensus.EndToEnd.Tests.Links;

public sealed class TcpResetTests
{
    private const int Ack = 0x10;

    [TestCase(0)]
    [TestCase(12)]
    public void A_segment_becomes_a_reset_of_its_own_connection_that_a_receiver_takes(int options)
    {
        var reset = TcpReset.InPlaceOf(Segment(Ack, options, payload: 100))!;
        Assert.That(reset, Has.Length.EqualTo(40));
        Assert.That(BinaryPrimitives.ReadUInt16BigEndian(reset.AsSpan(2)), Is.EqualTo(40), "total length");
        Assert.That(reset[8..10], Is.EqualTo(new byte[] { 64, 6 }), "time to live, protocol");
        Assert.That(reset[12..20], Is.EqualTo(new byte[] { 10, 0, 0, 1, 10, 0, 0, 2 }), "addresses");
        Assert.That(BinaryPrimitives.ReadUInt16BigEndian(reset.AsSpan(20)), Is.EqualTo(1111), "from");
        Assert.That(BinaryPrimitives.ReadUInt16BigEndian(reset.AsSpan(22)), Is.EqualTo(2222), "to");
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(reset.AsSpan(24)), Is.EqualTo(0xFFFF_FFF0), "sequence number");
        Assert.That((reset[32] >> 4, reset[33]), Is.EqualTo((5, 4)), "no options, RST");
        // RFC 1071: with its checksum a right header sums up to all ones.
        Assert.That(OnesComplement(reset.AsSpan(0, 20), 0), Is.EqualTo(0xFFFF));
        Assert.That(OnesComplement(reset.AsSpan(20), 6 + 20 + (10 << 8) + 1 + (10 << 8) + 2), Is.EqualTo(0xFFFF));
    }

    [TestCase(0x02, TestName = "A_connection_that_begins_is_left_alone")]
    [TestCase(0x11, TestName = "A_connection_that_ends_is_left_alone")]
    [TestCase(0x04, TestName = "A_reset_is_left_alone")]
    public void Left_alone(int flags) => Assert.That(TcpReset.InPlaceOf(Segment(flags, 0, 0)), Is.Null);

    [Test]
    public void What_is_no_whole_segment_is_left_alone()
    {
        var segment = Segment(Ack, 0, 10);
        for (var length = 0; length < 40; length++)
        {
            Assert.That(TcpReset.InPlaceOf(segment.AsSpan(0, length)), Is.Null);
        }
        Assert.That(TcpReset.InPlaceOf(With(segment, 9, 17)), Is.Null, "UDP");
        Assert.That(TcpReset.InPlaceOf(With(segment, 0, 0x65)), Is.Null, "IPv6");
        Assert.That(TcpReset.InPlaceOf(With(segment, 6, 0x20)), Is.Null, "a first fragment");
        Assert.That(TcpReset.InPlaceOf(With(segment, 7, 1)), Is.Null, "a later fragment");
        Assert.That(TcpReset.InPlaceOf(With(segment, 0, 0x44)), Is.Null, "a header that is too short");
    }

    private static byte[] With(byte[] segment, int at, byte value)
    {
        var changed = segment.ToArray();
        changed[at] = value;
        return changed;
    }

    private static byte[] Segment(int flags, int options, int payload)
    {
        var header = 20 + options;
        var packet = new byte[header + 20 + payload];
        packet[0] = (byte)(0x40 | (header / 4));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = 6;
        new byte[] { 10, 0, 0, 1, 10, 0, 0, 2 }.CopyTo(packet, 12);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header), 1111);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header + 2), 2222);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(header + 4), 0xFFFF_FFF0);
        packet[header + 12] = 5 << 4;
        packet[header + 13] = (byte)flags;
        packet.AsSpan(header + 20).Fill(0xAB);
        return packet;
    }

    private static int OnesComplement(ReadOnlySpan<byte> bytes, int sum)
    {
        for (var i = 0; i < bytes.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        }
        return (sum & 0xFFFF) + (sum >> 16);
    }
}
