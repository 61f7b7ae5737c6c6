using Consensus.Benchmarks.Generator;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Workloads;

/// <summary>Draws before each request which of two scripts speaks.</summary>
internal sealed class MixedScript(IClientScript often, IClientScript seldom, int seldomPercent, int seed) : IClientScript
{
    private readonly DeterministicRandom _random = new((ulong)seed + 1_000_003);
    private bool _isSeldom;

    public int NextRequest(Span<byte> request, bool stopping)
    {
        _isSeldom = _random.Next(100) < seldomPercent;
        return Speaking.NextRequest(request, stopping);
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) => Speaking.OnAnswer(status, body);

    private IClientScript Speaking => _isSeldom ? seldom : often;
}
