using System.Buffers.Binary;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>A frame from a member to a client that has a session.</summary>
/// <param name="Xid">The number of the request; <see cref="Event"/> and <see cref="Ping"/> are no numbers.</param>
/// <param name="Error">0 or one of the negative codes.</param>
internal readonly record struct ZooKeeperReply(int Xid, int Error)
{
    /// <summary>The number, the transaction's id and the error.</summary>
    public const int HeaderBytes = 16;

    /// <summary>In place of a request's number: something that was watched has changed.</summary>
    public const int Event = -1;

    /// <summary>In place of a request's number: a heartbeat of the session.</summary>
    public const int Ping = -2;

    public const int NoNode = -101;

    public const int NodeExists = -110;

    private const int ErrorAt = 12;

    /// <param name="frame">At least as long as a header.</param>
    public static ZooKeeperReply Read(ReadOnlySpan<byte> frame) =>
        new(BinaryPrimitives.ReadInt32BigEndian(frame), BinaryPrimitives.ReadInt32BigEndian(frame[ErrorAt..]));
}
