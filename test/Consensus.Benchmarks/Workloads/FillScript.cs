using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads;

/// <summary>Of <paramref name="Puts"/> puts, which go over all keys in order and begin anew behind the last, every <paramref name="Step"/>th from <paramref name="First"/> on.</summary>
internal readonly record struct FillShare(int First, int Step, int Puts);

/// <summary>Writes its share of the keys and then has nothing more to say.</summary>
internal sealed class FillScript(RequestTemplate template, KeySpace keys, FillShare share) : IClientScript
{
    private int _next = share.First;

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping || _next >= share.Puts)
        {
            return 0;
        }

        var length = template.Write(keys[_next % KeySpace.Count], request);
        _next += share.Step;
        return length;
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) => status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
}
