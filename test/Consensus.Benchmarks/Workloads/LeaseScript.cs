using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads;

/// <summary>What a lease's owner asks for, in the words of one system.</summary>
/// <param name="Grant">A whole request for a lease.</param>
/// <param name="Renew">The request for its renewal, once the grant's answer named it; null when the answer names none.</param>
internal sealed record LeaseWords(byte[] Grant, Func<byte[], byte[]?> Renew, Func<byte[], byte[]?> Revoke, int RevokedStatus);

/// <summary>A lease once, then its renewal over and over, at the end its revocation.</summary>
internal sealed class LeaseScript(LeaseWords words) : IClientScript
{
    private byte[]? _renew;
    private byte[]? _revoke;
    private bool _ending;

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping && (_ending || _revoke is null))
        {
            return 0;
        }
        _ending = stopping;
        return RequestWriter.Copy(stopping ? _revoke : _renew ?? words.Grant, request);
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        if (_ending)
        {
            return status == words.RevokedStatus ? StepOutcome.Prepared : StepOutcome.Failed;
        }
        if (_renew is not null)
        {
            return status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
        }
        var answer = body.ToArray();
        _renew = status is 200 or 201 ? words.Renew(answer) : null;
        _revoke = _renew is null ? null : words.Revoke(answer);
        return _renew is null ? StepOutcome.Failed : StepOutcome.Prepared;
    }
}
