using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Consensusd;

/// <summary>
/// <c>PUT /v1/kv/{key}</c> with <c>If-Match</c> on a key that only this client writes. After a miss the key is written without a
/// condition, uncounted, to learn its revision anew.
/// </summary>
internal sealed class ConsensusCompareAndSetScript : IClientScript
{
    private readonly byte[] _unconditional;
    private readonly byte[] _beforeRevision;
    private readonly byte[] _afterRevision;
    private long _revision;

    public ConsensusCompareAndSetScript(ClientSeat seat)
    {
        var target = string.Create(CultureInfo.InvariantCulture, $"/v1/kv/bench/cas-{seat.Index:00000}");
        _unconditional = RequestWriter.Build("PUT", target, seat.Host, KeySpace.Value);
        var whole = Encoding.ASCII.GetString(RequestWriter.Build("PUT", target, seat.Host, KeySpace.Value, "If-Match: \"@\"\r\n"));
        var gap = whole.IndexOf('@', StringComparison.Ordinal);
        _beforeRevision = Encoding.ASCII.GetBytes(whole[..gap]);
        _afterRevision = Encoding.ASCII.GetBytes(whole[(gap + 1)..]);
    }

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping)
        {
            return 0;
        }

        if (_revision == 0)
        {
            return RequestWriter.Copy(_unconditional, request);
        }

        var length = RequestWriter.Copy(_beforeRevision, request);
        _ = Utf8Formatter.TryFormat(_revision, request[length..], out var digits);
        length += digits;
        return length + RequestWriter.Copy(_afterRevision, request[length..]);
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        var conditional = _revision != 0;
        if (status != 200 || !JsonScan.TryReadNumber(body, "\"modRevision\""u8, out _revision))
        {
            _revision = 0;
            return StepOutcome.Failed;
        }

        return conditional ? StepOutcome.Completed : StepOutcome.Prepared;
    }
}
