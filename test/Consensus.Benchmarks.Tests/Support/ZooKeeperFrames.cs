using System.Buffers.Binary;
using System.Text;

namespace Consensus.Benchmarks.Tests.Support;

/// <summary>A request of ZooKeeper's protocol as a member reads it.</summary>
/// <param name="Path">Of the node; empty where there is none.</param>
/// <param name="Rest">What stands behind the path.</param>
internal sealed record ZooKeeperFrame(int Xid, int Kind, string Path, byte[] Rest);

/// <summary>Frames of ZooKeeper's protocol, taken apart and put together by hand from its description.</summary>
internal static class ZooKeeperFrames
{
    /// <summary>Of a session whose time-out is granted as it was asked for.</summary>
    public static byte[] Session(int timeOutMs = 600_000) => Frame([.. Int(0), .. Int(timeOutMs), .. Long(77), .. Int(16), .. new byte[16], 0]);

    public static byte[] Reply(int xid, int error, params byte[] body) => Frame([.. Int(xid), .. Long(5), .. Int(error), .. body]);

    public static byte[] Text(string value) => [.. Int(value.Length), .. Encoding.ASCII.GetBytes(value)];

    public static byte[] Names(params string[] names) => [.. Int(names.Length), .. names.SelectMany(Text)];

    /// <summary>A node's state, of which only the version tells anything.</summary>
    public static byte[] State(int version) => [.. new byte[32], .. Int(version), .. new byte[32]];

    public static byte[] Int(int value)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>All that were sent in one go.</summary>
    public static List<ZooKeeperFrame> Read(ReadOnlySpan<byte> sent)
    {
        var frames = new List<ZooKeeperFrame>();
        while (!sent.IsEmpty)
        {
            var frame = sent.Slice(4, BinaryPrimitives.ReadInt32BigEndian(sent));
            sent = sent[(4 + frame.Length)..];
            var (xid, kind) = (BinaryPrimitives.ReadInt32BigEndian(frame), BinaryPrimitives.ReadInt32BigEndian(frame[4..]));
            var rest = frame[8..];
            var path = "";
            if (rest.Length > 4)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(rest);
                path = Encoding.ASCII.GetString(rest.Slice(4, length));
                rest = rest[(4 + length)..];
            }
            frames.Add(new ZooKeeperFrame(xid, kind, path, rest.ToArray()));
        }
        return frames;
    }

    private static byte[] Long(long value)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Frame(byte[] body) => [.. Int(body.Length), .. body];
}
