using System.Globalization;
using System.Text;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary><c>/v3/lock/lock</c> and <c>/v3/lock/unlock</c>. The key that the lock answers with is the name and the lease's id in hexadecimal.</summary>
internal sealed class EtcdLockScript(ClientSeat seat, string name, HolderWitness witness) : EtcdSessionScript(seat, witness)
{
    private byte[] _quotedKey = [];

    protected override void Begin(long lease)
    {
        var key = KeySpace.ToBase64(string.Create(CultureInfo.InvariantCulture, $"{name}/{lease:x}"));
        _quotedKey = Encoding.ASCII.GetBytes($"\"{key}\"");
        Take = RequestWriter.Build(
            "POST",
            "/v3/lock/lock",
            Seat.Host,
            string.Create(CultureInfo.InvariantCulture, $"{{\"name\":\"{KeySpace.ToBase64(name)}\",\"lease\":\"{lease}\"}}"));
        GiveBack = RequestWriter.Build("POST", "/v3/lock/unlock", Seat.Host, $"{{\"key\":\"{key}\"}}");
    }

    protected override bool OnTaken(ReadOnlySpan<byte> body) => body.IndexOf(_quotedKey) >= 0;
}
