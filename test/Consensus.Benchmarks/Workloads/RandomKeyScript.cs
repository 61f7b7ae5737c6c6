using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Workloads;

/// <summary>Sends one prepared request over and over, each time with a random key; an operation is one 200 with enough of a body.</summary>
internal sealed class RandomKeyScript(RequestTemplate template, KeySpace keys, int seed, int smallestBody) : IClientScript
{
    private readonly DeterministicRandom _random = new((ulong)seed + 1);

    public int NextRequest(Span<byte> request, bool stopping) =>
        stopping ? 0 : template.Write(keys[(int)_random.Next(KeySpace.Count)], request);

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) =>
        status == 200 && body.Length >= smallestBody ? StepOutcome.Completed : StepOutcome.Failed;
}
