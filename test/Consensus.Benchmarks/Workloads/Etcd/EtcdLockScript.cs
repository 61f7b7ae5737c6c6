using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary>
/// A session's lease once, then <c>/v3/lock/lock</c> and <c>/v3/lock/unlock</c> over and over, at the end the lease revoked: the way
/// etcd's own clients lock. The key that the lock answers with is the name and the lease's id in hexadecimal.
/// </summary>
internal sealed class EtcdLockScript(ClientSeat seat, string name, HolderWitness witness) : IClientScript
{
    // Longer than any measurement, so that no keep-alive has to share the connection.
    private const string LeaseSeconds = "600";

    private byte[] _lock = [];
    private byte[] _unlock = [];
    private byte[] _revoke = [];
    private byte[] _quotedKey = [];
    private Step _step = Step.Grant;

    private enum Step
    {
        Grant,
        Lock,
        Unlock,
        Revoke,
        Done,
    }

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping && _step is Step.Grant)
        {
            _step = Step.Done;
        }
        else if (stopping && _step is Step.Lock)
        {
            _step = Step.Revoke;
        }

        switch (_step)
        {
            case Step.Grant:
                return RequestWriter.Copy(
                    RequestWriter.Build("POST", "/v3/lease/grant", seat.Host, $"{{\"TTL\":\"{LeaseSeconds}\"}}"),
                    request);
            case Step.Lock:
                return RequestWriter.Copy(_lock, request);
            case Step.Unlock:
                witness.Releasing();
                return RequestWriter.Copy(_unlock, request);
            case Step.Revoke:
                return RequestWriter.Copy(_revoke, request);
            default:
                return 0;
        }
    }

    public StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body)
    {
        switch (_step)
        {
            case Step.Grant:
                return OnLease(status, body);
            case Step.Lock when status == 200 && body.IndexOf(_quotedKey) >= 0:
                _step = Step.Unlock;

                // etcd's gateway gives no token with the lock.
                return witness.Granted(fencingToken: 0) ? StepOutcome.Continue : StepOutcome.PromiseBroken;
            case Step.Lock:
                return StepOutcome.Failed;
            case Step.Unlock:

                // After a 5xx the lock may still be held: the release is sent again.
                _step = status >= 500 ? Step.Unlock : Step.Lock;
                return status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
            default:
                _step = Step.Done;
                return status == 200 ? StepOutcome.Prepared : StepOutcome.Failed;
        }
    }

    private StepOutcome OnLease(int status, ReadOnlySpan<byte> body)
    {
        if (status != 200 || !JsonScan.TryReadNumber(body, "\"ID\""u8, out var lease))
        {
            return StepOutcome.Failed;
        }

        var key = KeySpace.ToBase64(string.Create(CultureInfo.InvariantCulture, $"{name}/{lease:x}"));
        var id = lease.ToString(CultureInfo.InvariantCulture);
        _quotedKey = Encoding.ASCII.GetBytes($"\"{key}\"");
        _lock = RequestWriter.Build(
            "POST",
            "/v3/lock/lock",
            seat.Host,
            $"{{\"name\":\"{KeySpace.ToBase64(name)}\",\"lease\":\"{id}\"}}");
        _unlock = RequestWriter.Build("POST", "/v3/lock/unlock", seat.Host, $"{{\"key\":\"{key}\"}}");
        _revoke = RequestWriter.Build("POST", "/v3/lease/revoke", seat.Host, $"{{\"ID\":\"{id}\"}}");
        _step = Step.Lock;
        return StepOutcome.Prepared;
    }
}
