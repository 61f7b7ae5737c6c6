using System.Buffers.Binary;
using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// Frames of ZooKeeper: four bytes of length, most significant first, and so many bytes. The body is the frame without its length; the
/// status is 0 or the error that a reply names, and 0 for the first frame of a connection, which tells of its session. Events of watches
/// come between replies, so another frame may stand behind.
/// </summary>
internal sealed class ZooKeeperAnswerBuffer : AnswerBuffer
{
    private const int LengthBytes = 4;
    private const int LargestFrame = 16 * 1024 * 1024;

    private bool _hasSession;

    public override ParseResult Parse()
    {
        if (Filled < LengthBytes)
        {
            return ParseResult.Incomplete;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(Received);
        if (length < (_hasSession ? ZooKeeperReply.HeaderBytes : LengthBytes) || length > LargestFrame)
        {
            return ParseResult.Malformed;
        }

        if (Filled < LengthBytes + length)
        {
            return ParseResult.Incomplete;
        }

        (BodyStart, BodyLength, AnswerEnd) = (LengthBytes, length, LengthBytes + length);
        Status = _hasSession ? ZooKeeperReply.Read(Body).Error : 0;
        _hasSession = true;
        return ParseResult.Complete;
    }
}
