using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// Writes its share of the keys and then has nothing more to say. A node must be created before it can be set, by whichever client comes
/// to it first: who finds it otherwise asks for the other.
/// </summary>
internal sealed class ZooKeeperFillScript(RequestTemplate create, RequestTemplate set, FillShare share) : IClientScript
{
    private int _next = share.First;
    private bool _sets = share.First >= KeySpace.Count;

    public int NextRequest(Span<byte> request, bool stopping) =>
        stopping || _next >= share.Puts ? 0 : (_sets ? set : create).Write(KeySpace.Plain[_next % KeySpace.Count], request);

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        if (status is ZooKeeperReply.NodeExists or ZooKeeperReply.NoNode)
        {
            _sets = status == ZooKeeperReply.NodeExists;
            return StepOutcome.Continue;
        }

        _next += share.Step;
        _sets = _next >= KeySpace.Count;
        return status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
    }
}
