using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// Builds the bytes of requests outside the measured loop, as ZooKeeper's client protocol has them (<c>zookeeper.jute</c>): numbers most
/// significant byte first, texts and bytes behind their length. The request's own number is 0 until it is sent.
/// </summary>
internal static class ZooKeeperRequest
{
    /// <summary>Where in a frame the request's number stands.</summary>
    public const int XidAt = 4;

    /// <summary>Of a node: any version will do.</summary>
    public const int AnyVersion = -1;

    /// <summary>Longer than any measurement, so that no heartbeat has to share the connection.</summary>
    public const int SessionMs = 600_000;

    private const int AllPermissions = 31;
    private const int PasswordBytes = 16;

    /// <summary>How a node is created.</summary>
    internal enum Node
    {
        Persistent = 0,

        /// <summary>It goes with the session, and its name ends with a number that rises.</summary>
        EphemeralSequential = 3,
    }

    private enum Kind
    {
        Create = 1,
        Delete = 2,
        GetData = 4,
        SetData = 5,
        GetChildren = 8,
        Sync = 9,
        Ping = 11,
        CloseSession = -11,
    }

    /// <summary>The first frame of a connection, which asks for a new session.</summary>
    public static byte[] Connect()
    {
        var frame = new Frame();
        frame.Number(0);
        frame.Long(0);
        frame.Number(SessionMs);
        frame.Long(0);
        frame.Bytes(new byte[PasswordBytes]);
        frame.Flag(false);
        return frame.Finish();
    }

    /// <summary>A heartbeat of the session, which has no number.</summary>
    public static byte[] Ping() => Of(Kind.Ping, _ => { }, ZooKeeperReply.Ping);

    public static byte[] CloseSession() => Of(Kind.CloseSession, _ => { });

    /// <summary>A node that everybody may do everything with. Answered with its path.</summary>
    public static byte[] Create(string path, string data, Node node) => Of(Kind.Create, frame =>
    {
        frame.Text(path);
        frame.Bytes(Encoding.ASCII.GetBytes(data));
        frame.Number(1);
        frame.Number(AllPermissions);
        frame.Text("world");
        frame.Text("anyone");
        frame.Number((int)node);
    });

    public static byte[] Delete(string path) => Of(Kind.Delete, frame =>
    {
        frame.Text(path);
        frame.Number(AnyVersion);
    });

    /// <summary>Answered with the data and the node's state; watched, with an event too when it is changed or deleted.</summary>
    public static byte[] GetData(string path, bool watch) => Of(Kind.GetData, frame =>
    {
        frame.Text(path);
        frame.Flag(watch);
    });

    /// <summary>Ends with the version that the node must have. Answered with the node's state.</summary>
    public static byte[] SetData(string path, string data) => Of(Kind.SetData, frame =>
    {
        frame.Text(path);
        frame.Bytes(Encoding.ASCII.GetBytes(data));
        frame.Number(AnyVersion);
    });

    /// <summary>Answered with the names, in any order.</summary>
    public static byte[] GetChildren(string path) => Of(Kind.GetChildren, frame =>
    {
        frame.Text(path);
        frame.Flag(false);
    });

    /// <summary>Answered when the member has all that the leader had.</summary>
    public static byte[] Sync(string path) => Of(Kind.Sync, frame => frame.Text(path));

    private static byte[] Of(Kind kind, Action<Frame> write, int xid = 0)
    {
        var frame = new Frame();
        frame.Number(xid);
        frame.Number((int)kind);
        write(frame);
        return frame.Finish();
    }

    private sealed class Frame
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public Frame() => Number(0);

        public void Number(int value)
        {
            BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), value);
            _bytes.Advance(sizeof(int));
        }

        public void Long(long value)
        {
            BinaryPrimitives.WriteInt64BigEndian(_bytes.GetSpan(sizeof(long)), value);
            _bytes.Advance(sizeof(long));
        }

        public void Flag(bool value) => _bytes.Write([value ? (byte)1 : (byte)0]);

        public void Bytes(ReadOnlySpan<byte> value)
        {
            Number(value.Length);
            _bytes.Write(value);
        }

        public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

        public byte[] Finish()
        {
            var frame = _bytes.WrittenSpan.ToArray();
            BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - sizeof(int));
            return frame;
        }
    }
}
