using System.Buffers.Binary;
using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// <c>setData</c> with the version of the answer before, of a node that only this client writes. After a miss it is written whatever its
/// version, uncounted, to learn that anew.
/// </summary>
internal sealed class ZooKeeperCompareAndSetScript : IClientScript
{
    /// <summary>In a node's state, behind two transactions' ids and two times.</summary>
    private const int VersionAt = 32;

    private readonly byte[] _create;
    private readonly byte[] _set;
    private bool _exists;
    private int _version = ZooKeeperRequest.AnyVersion;

    public ZooKeeperCompareAndSetScript(ClientSeat seat)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/bench/cas-{seat.Index:00000}");
        _create = ZooKeeperRequest.Create(path, KeySpace.Value, ZooKeeperRequest.Node.Persistent);
        _set = ZooKeeperRequest.SetData(path, KeySpace.Value);
    }

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping)
        {
            return 0;
        }

        var length = RequestWriter.Copy(_exists ? _set : _create, request);
        if (_exists)
        {
            BinaryPrimitives.WriteInt32BigEndian(request[(length - sizeof(int))..], _version);
        }

        return length;
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        if (!_exists)
        {
            _exists = status is 200 or ZooKeeperReply.NodeExists;
            return _exists ? StepOutcome.Prepared : StepOutcome.Failed;
        }

        var conditional = _version != ZooKeeperRequest.AnyVersion;
        if (status != 200 || body.Length < VersionAt + sizeof(int))
        {
            _version = ZooKeeperRequest.AnyVersion;
            return StepOutcome.Failed;
        }

        _version = BinaryPrimitives.ReadInt32BigEndian(body[VersionAt..]);
        return conditional ? StepOutcome.Completed : StepOutcome.Prepared;
    }
}
