using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary>
/// A session's lease once, then something taken and given back over and over under it, at the end the lease revoked: the way etcd's own
/// clients lock and campaign.
/// </summary>
internal abstract class EtcdSessionScript(ClientSeat seat, HolderWitness witness) : IClientScript
{
    // Longer than any measurement, so that no keep-alive has to share the connection.
    private const string LeaseSeconds = "600";

    private byte[] _revoke = [];
    private Step _step = Step.Grant;

    private enum Step
    {
        Grant,
        Take,
        GiveBack,
        Revoke,
        Done,
    }

    protected ClientSeat Seat { get; } = seat;

    protected byte[] Take { get; set; } = [];

    protected byte[] GiveBack { get; set; } = [];

    public int NextRequest(Span<byte> request, bool stopping)
    {
        if (stopping && _step is Step.Grant)
        {
            _step = Step.Done;
        }
        else if (stopping && _step is Step.Take)
        {
            _step = Step.Revoke;
        }

        switch (_step)
        {
            case Step.Grant:
                return RequestWriter.Copy(
                    RequestWriter.Build("POST", "/v3/lease/grant", Seat.Host, $"{{\"TTL\":\"{LeaseSeconds}\"}}"),
                    request);
            case Step.Take:
                return RequestWriter.Copy(Take, request);
            case Step.GiveBack:
                witness.Releasing();
                return RequestWriter.Copy(GiveBack, request);
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
            case Step.Take when status == 200 && OnTaken(body):
                _step = Step.GiveBack;

                // etcd's gateway gives no token with a lock.
                return witness.Granted(fencingToken: 0) ? StepOutcome.Continue : StepOutcome.PromiseBroken;
            case Step.Take:
                return StepOutcome.Failed;
            case Step.GiveBack:

                // After a 5xx it may still be held: it is given back again.
                _step = status >= 500 ? Step.GiveBack : Step.Take;
                return status == 200 ? StepOutcome.Completed : StepOutcome.Failed;
            default:
                _step = Step.Done;
                return status == 200 ? StepOutcome.Prepared : StepOutcome.Failed;
        }
    }

    /// <summary>Prepares the requests that stand under this lease.</summary>
    protected abstract void Begin(long lease);

    /// <summary>Whether the answer tells that it was taken.</summary>
    protected abstract bool OnTaken(ReadOnlySpan<byte> body);

    private StepOutcome OnLease(int status, ReadOnlySpan<byte> body)
    {
        if (status != 200 || !JsonScan.TryReadNumber(body, "\"ID\""u8, out var lease))
        {
            return StepOutcome.Failed;
        }

        var id = lease.ToString(CultureInfo.InvariantCulture);
        _revoke = RequestWriter.Build("POST", "/v3/lease/revoke", Seat.Host, $"{{\"ID\":\"{id}\"}}");
        Begin(lease);
        _step = Step.Take;
        return StepOutcome.Prepared;
    }
}
