using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Library;

/// <summary>Takes and releases the client's own lock, both under what its mark says.</summary>
internal sealed class MarkedLockScript : IClientScript
{
    private readonly IWriteMark _mark;
    private readonly HolderWitness _witness = new();
    private readonly byte[] _acquire;
    private readonly byte[] _acquireRest;
    private readonly byte[] _release;
    private readonly byte[] _afterToken;
    private long _token;

    public MarkedLockScript(ClientSeat seat, IWriteMark mark)
    {
        _mark = mark;
        var path = LockNames.PathOf(seat.Run, seat.Index);
        var body = LockNames.AcquireBody(seat.Index, mark.Lease);
        _acquire = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {seat.Host}\r\n");
        _acquireRest = Encoding.ASCII.GetBytes($"Content-Length: {body.Length}\r\n\r\n{body}");
        _release = Encoding.ASCII.GetBytes($"DELETE {path}?fencingToken=");
        _afterToken = Encoding.ASCII.GetBytes($" HTTP/1.1\r\nHost: {seat.Host}\r\n");
    }

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (_token == 0 && stopping)
        {
            return 0;
        }

        var text = new RequestText(request);
        if (_token == 0)
        {
            text.Add(_acquire);
            _mark.Begin(ref text);
            text.Add(_acquireRest);
            return text.Length;
        }

        _witness.Releasing();
        text.Add(_release);
        text.Add(_token);
        text.Add(_afterToken);
        _mark.Begin(ref text);
        text.Add("\r\n"u8);
        return text.Length;
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        _mark.End();
        if (_token != 0)
        {
            // After a 5xx the lock may still be held, and nobody else releases it.
            _token = status >= 500 ? _token : 0;
            return status == 204 ? StepOutcome.Completed : StepOutcome.Failed;
        }

        if (status != 200 || !JsonScan.TryReadNumber(body, "\"fencingToken\""u8, out _token))
        {
            return StepOutcome.Failed;
        }

        return _witness.Granted(_token) ? StepOutcome.Continue : StepOutcome.PromiseBroken;
    }
}
