using System.Buffers.Binary;

namespace Consensus.Chaos.Machines;

/// <summary>
/// What a middlebox sends that has forgotten a connection. The segment takes the place of one that was under way and carries its sequence number, which is what
/// its receiver waits for next, so that it takes the reset (RFC 5961, section 3.2). The sender hears of it when it sends again.
/// </summary>
internal static class TcpReset
{
    private const int IpHeader = 20;
    private const int TcpHeader = 20;
    private const byte Tcp = 6;
    private const byte Fin = 0x01;
    private const byte Syn = 0x02;
    private const byte Rst = 0x04;

    /// <summary>Null for what is no segment of an established connection.</summary>
    /// <param name="packet">IPv4 (RFC 791).</param>
    public static byte[]? InPlaceOf(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < IpHeader || packet[0] >> 4 != 4 || packet[9] != Tcp)
        {
            return null;
        }
        var options = ((packet[0] & 0xF) * 4) - IpHeader;
        var isFragment = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3FFF) != 0;
        if (options < 0 || isFragment || packet.Length < IpHeader + options + TcpHeader)
        {
            return null;
        }
        var segment = packet.Slice(IpHeader + options, TcpHeader);
        if ((segment[13] & (Syn | Fin | Rst)) != 0)
        {
            return null;
        }
        var reset = new byte[IpHeader + TcpHeader];
        packet[..IpHeader].CopyTo(reset);
        reset[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(reset.AsSpan(2), IpHeader + TcpHeader);
        segment[..8].CopyTo(reset.AsSpan(IpHeader));
        reset[IpHeader + 12] = TcpHeader / 4 << 4;
        reset[IpHeader + 13] = Rst;
        BinaryPrimitives.WriteUInt16BigEndian(reset.AsSpan(10), 0);
        BinaryPrimitives.WriteUInt16BigEndian(reset.AsSpan(10), Checksum(reset.AsSpan(0, IpHeader), 0));
        BinaryPrimitives.WriteUInt16BigEndian(reset.AsSpan(IpHeader + 16), Checksum(reset.AsSpan(IpHeader), PseudoHeader(reset)));
        return reset;
    }

    /// <summary>RFC 9293, section 3.1: both addresses, the protocol, and the length of the segment.</summary>
    private static uint PseudoHeader(ReadOnlySpan<byte> packet) => Sum(packet.Slice(12, 8)) + Tcp + TcpHeader;

    /// <summary>RFC 1071, over an even number of bytes.</summary>
    private static ushort Checksum(ReadOnlySpan<byte> bytes, uint initial)
    {
        var sum = initial + Sum(bytes);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (var i = 0; i < bytes.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        }
        return sum;
    }
}
