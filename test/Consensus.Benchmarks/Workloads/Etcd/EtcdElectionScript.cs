using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary><c>/v3/election/campaign</c> and <c>/v3/election/resign</c>, which wants the leader as the campaign answered it.</summary>
internal sealed class EtcdElectionScript(ClientSeat seat, string name, HolderWitness witness) : EtcdSessionScript(seat, witness)
{
    protected override void Begin(long lease) => Take = RequestWriter.Build(
        "POST",
        "/v3/election/campaign",
        Seat.Host,
        string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"name\":\"{KeySpace.ToBase64(name)}\",\"lease\":\"{lease}\",\"value\":\"{KeySpace.ToBase64($"client-{Seat.Index:00000}")}\"}}"));

    protected override bool OnTaken(ReadOnlySpan<byte> body)
    {
        var start = body.IndexOf("\"leader\":{"u8);
        var length = start < 0 ? -1 : body[start..].IndexOf((byte)'}');
        if (length < 0)
        {
            return false;
        }

        GiveBack = RequestWriter.Build("POST", "/v3/election/resign", Seat.Host, $"{{{Encoding.ASCII.GetString(body.Slice(start, length + 1))}}}");
        return true;
    }
}
