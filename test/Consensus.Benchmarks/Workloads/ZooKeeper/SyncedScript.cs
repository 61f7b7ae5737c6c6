using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>Behind a request in one sending with a <c>sync</c>: two replies, of which the second is the request's own.</summary>
internal sealed class SyncedScript(IClientScript within) : IClientScript
{
    private const int Done = 200;

    private int? _synced;

    public int NextRequest(Span<byte> request, bool stopping)
    {
        _synced = null;
        return within.NextRequest(request, stopping);
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        if (_synced is not { } synced)
        {
            _synced = status;
            return StepOutcome.Await;
        }

        return synced == Done ? within.OnAnswer(status, body) : StepOutcome.Failed;
    }
}
