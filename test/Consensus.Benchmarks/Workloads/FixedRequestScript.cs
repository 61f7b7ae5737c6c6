using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads;

/// <summary>Sends one request over and over; an operation is one 200.</summary>
internal sealed class FixedRequestScript(byte[] bytes) : IClientScript
{
    public int NextRequest(Span<byte> request, bool stopping) => stopping ? 0 : RequestWriter.Copy(bytes, request);

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body) => status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
}
