using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Library;

/// <summary>Writes a random one of the filled keys, under what its mark says.</summary>
internal sealed class MarkedPutScript(ClientSeat seat, IWriteMark mark) : IClientScript
{
    private readonly DeterministicRandom _random = new((ulong)seat.Index + 1);
    private readonly byte[] _afterKey = Encoding.ASCII.GetBytes($" HTTP/1.1\r\nHost: {seat.Host}\r\n");
    private readonly byte[] _rest = Encoding.ASCII.GetBytes($"Content-Length: {KeySpace.ValueBytes}\r\n\r\n{KeySpace.Value}");

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping)
        {
            return 0;
        }

        var text = new RequestText(request);
        text.Add("PUT /v1/kv/"u8);
        text.Add(KeySpace.Plain[(int)_random.Next(KeySpace.Count)]);
        text.Add(_afterKey);
        mark.Begin(ref text);
        text.Add(_rest);
        return text.Length;
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        mark.End();
        return status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
    }
}
