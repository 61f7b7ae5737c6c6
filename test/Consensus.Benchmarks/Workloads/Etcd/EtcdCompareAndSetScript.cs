using System.Buffers.Text;
using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary>
/// <c>POST /v3/kv/txn</c>: a put on condition of the modification revision, on a key that only this client writes. After a miss the key is
/// written without a condition, uncounted, to learn its revision anew.
/// </summary>
internal sealed class EtcdCompareAndSetScript : IClientScript
{
    // The revision is right-aligned in blanks, which JSON allows before a number, so that the request's length never changes.
    private const int RevisionWidth = 20;
    private static readonly string Gap = new('@', RevisionWidth);

    private readonly byte[] _unconditional;
    private readonly RequestTemplate _conditional;
    private long _revision;

    public EtcdCompareAndSetScript(ClientSeat seat)
    {
        var key = KeySpace.ToBase64(string.Create(CultureInfo.InvariantCulture, $"bench/cas-{seat.Index:00000}"));
        var put = $"{{\"key\":\"{key}\",\"value\":\"{KeySpace.Base64Value}\"}}";
        _unconditional = RequestWriter.Build("POST", "/v3/kv/put", seat.Host, put);
        _conditional = new RequestTemplate(
            RequestWriter.Build(
                "POST",
                "/v3/kv/txn",
                seat.Host,
                $"{{\"compare\":[{{\"key\":\"{key}\",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":{Gap}}}],"
                + $"\"success\":[{{\"requestPut\":{put}}}]}}"),
            Gap);
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

        Span<byte> digits = stackalloc byte[RevisionWidth];
        Span<byte> aligned = stackalloc byte[RevisionWidth];
        _ = Utf8Formatter.TryFormat(_revision, digits, out var count);
        aligned.Fill((byte)' ');
        digits[..count].CopyTo(aligned[(RevisionWidth - count)..]);
        return _conditional.Write(aligned, request);
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        var conditional = _revision != 0;
        if (status != 200
            || (conditional && body.IndexOf("\"succeeded\":true"u8) < 0)
            || !JsonScan.TryReadNumber(body, "\"revision\""u8, out _revision))
        {
            _revision = 0;
            return StepOutcome.Failed;
        }

        return conditional ? StepOutcome.Completed : StepOutcome.Prepared;
    }
}
