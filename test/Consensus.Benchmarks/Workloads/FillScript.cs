using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads;

/// <summary>Writes its share of the keys once and then has nothing more to say.</summary>
internal sealed class FillScript(RequestTemplate template, KeySpace keys, int first, int step) : IClientScript
{
    private int _next = first;

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping || _next >= KeySpace.Count)
        {
            return 0;
        }

        var length = template.Write(keys[_next], request);
        _next += step;
        return length;
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) => status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
}
