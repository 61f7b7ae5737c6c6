using System.Buffers.Binary;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// A session around what a client says in it: it is opened first and closed at the end, requests get their numbers, and replies are
/// checked for them. The client within is told 200 for a reply without an error, else the error, and <see cref="Changed"/> for an event of
/// a watch; of a reply the body is what stands behind its header.
/// </summary>
internal sealed class ZooKeeperSession(IClientScript within) : IClientScript
{
    /// <summary>In place of a status: what was watched has changed.</summary>
    public const int Changed = 1;

    private const int Done = 200;

    private static readonly byte[] Opening = ZooKeeperRequest.Connect();
    private static readonly byte[] Closing = ZooKeeperRequest.CloseSession();

    private Step _step = Step.Open;
    private int _asked;
    private int _answered;

    private enum Step
    {
        Open,
        Speak,
        Close,
        Closed,
    }

    public int RequestCapacity => within.RequestCapacity;

    public AnswerBuffer CreateAnswer() => new ZooKeeperAnswerBuffer();

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (_step == Step.Open)
        {
            return stopping ? 0 : RequestWriter.Copy(Opening, request);
        }

        if (_step == Step.Speak)
        {
            var length = within.NextRequest(request, stopping);
            if (length > 0)
            {
                Number(request[..length]);
                return length;
            }

            _step = Step.Close;
            length = RequestWriter.Copy(Closing, request);
            Number(request[..length]);
            return length;
        }

        return 0;
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        if (_step == Step.Open)
        {
            return OnSession(body);
        }

        var reply = ZooKeeperReply.Read(body);
        if (reply.Xid >= 0 && reply.Xid != ++_answered)
        {
            return StepOutcome.Failed;
        }

        if (_step == Step.Close)
        {
            _step = Step.Closed;
            return reply.Error == 0 ? StepOutcome.Prepared : StepOutcome.Failed;
        }

        var told = reply.Xid == ZooKeeperReply.Event ? Changed : reply.Error == 0 ? Done : reply.Error;
        return within.OnAnswer(told, body[ZooKeeperReply.HeaderBytes..]);
    }

    /// <summary>A session that is refused has no time-out.</summary>
    private StepOutcome OnSession(ReadOnlySpan<byte> body)
    {
        const int TimeOutAt = 4;
        if (body.Length < TimeOutAt + sizeof(int) || BinaryPrimitives.ReadInt32BigEndian(body[TimeOutAt..]) <= 0)
        {
            return StepOutcome.Failed;
        }

        _step = Step.Speak;
        return StepOutcome.Prepared;
    }

    /// <summary>Several frames may go in one sending.</summary>
    private void Number(Span<byte> frames)
    {
        while (!frames.IsEmpty)
        {
            var xid = frames[ZooKeeperRequest.XidAt..];
            if (BinaryPrimitives.ReadInt32BigEndian(xid) != ZooKeeperReply.Ping)
            {
                BinaryPrimitives.WriteInt32BigEndian(xid, ++_asked);
            }

            frames = frames[(sizeof(int) + BinaryPrimitives.ReadInt32BigEndian(frames))..];
        }
    }
}
