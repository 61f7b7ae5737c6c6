using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Consensusd;

/// <summary>
/// <c>POST</c> of a lock or an election with a TTL of its own, then <c>DELETE ?fencingToken=</c>. With a wait the acquire stands
/// in its queue.
/// </summary>
internal sealed class ConsensusLockScript : IClientScript
{
    private readonly string _owner;
    private readonly byte[] _acquire;
    private readonly byte[] _beforeToken;
    private readonly byte[] _afterToken;
    private readonly HolderWitness _witness;
    private long _token;

    /// <param name="path">Of a lock or of an election, as <c>/v1/locks/…</c>.</param>
    public ConsensusLockScript(ClientSeat seat, string path, string? wait, HolderWitness witness)
    {
        _witness = witness;
        _owner = string.Create(CultureInfo.InvariantCulture, $"client-{seat.Index:00000}");
        var waiting = wait is null ? string.Empty : $",\"wait\":\"{wait}\"";
        _acquire = RequestWriter.Build(
            "POST",
            path,
            seat.Host,
            $"{{\"{(path.StartsWith("/v1/elections/", StringComparison.Ordinal) ? "candidate" : "owner")}\":\"{_owner}\",\"ttl\":\"30s\"{waiting}}}");
        _beforeToken = Encoding.ASCII.GetBytes($"DELETE {path}?fencingToken=");
        _afterToken = Encoding.ASCII.GetBytes($" HTTP/1.1\r\nHost: {seat.Host}\r\n\r\n");
    }

    /// <summary>Told the owner's name at each grant.</summary>
    public Action<string>? Granted { get; init; }

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (_token == 0)
        {
            return stopping ? 0 : RequestWriter.Copy(_acquire, request);
        }

        _witness.Releasing();
        var length = RequestWriter.Copy(_beforeToken, request);
        _ = Utf8Formatter.TryFormat(_token, request[length..], out var digits);
        length += digits;
        return length + RequestWriter.Copy(_afterToken, request[length..]);
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        if (_token != 0)
        {
            // After a 5xx the lock may still be held: the release is sent again, so that nobody waits for the lease to expire.
            _token = status >= 500 ? _token : 0;
            return status == 204 ? StepOutcome.Completed : StepOutcome.Failed;
        }

        if (status != 200 || !JsonScan.TryReadNumber(body, "\"fencingToken\""u8, out _token))
        {
            return StepOutcome.Failed;
        }

        Granted?.Invoke(_owner);
        return _witness.Granted(_token) ? StepOutcome.Continue : StepOutcome.PromiseBroken;
    }
}
