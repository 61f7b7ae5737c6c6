using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary>The workloads in the words of etcd 3.4's JSON gateway: keys and values in base64, encoded ahead of the measured loop.</summary>
internal sealed class EtcdScripts : IScriptSource
{
    public static string Base64Value { get; } = KeySpace.ToBase64(KeySpace.Value);

    public IClientScript Create(Workload workload, ClientSeat seat) => workload switch
    {
        Workload.Put => new RandomKeyScript(PutTemplate(seat.Host), KeySpace.Base64, seat.Index, smallestBody: 0),
        Workload.Get => new RandomKeyScript(GetTemplate(seat.Host), KeySpace.Base64, seat.Index, KeySpace.ValueBytes),
        Workload.CompareAndSet => new EtcdCompareAndSetScript(seat),
        Workload.Lock => new EtcdLockScript(
            seat,
            string.Create(CultureInfo.InvariantCulture, $"bench/{seat.Run}/own-{seat.Index:00000}"),
            new HolderWitness()),
        Workload.ContendedLock => new EtcdLockScript(seat, $"bench/{seat.Run}/shared", seat.Witness),
        _ => throw new ArgumentOutOfRangeException(nameof(workload)),
    };

    public IClientScript Fill(ClientSeat seat, int first, int step) => new FillScript(PutTemplate(seat.Host), KeySpace.Base64, first, step);

    public byte[] PutRequest(string host) => Put(host, KeySpace.ToBase64("bench/failover"));

    private static byte[] Put(string host, string base64Key) =>
        RequestWriter.Build("POST", "/v3/kv/put", host, $"{{\"key\":\"{base64Key}\",\"value\":\"{Base64Value}\"}}");

    private static RequestTemplate PutTemplate(string host)
    {
        var gap = KeySpace.ToBase64(KeySpace.Gap);
        return new RequestTemplate(Put(host, gap), gap);
    }

    private static RequestTemplate GetTemplate(string host)
    {
        var gap = KeySpace.ToBase64(KeySpace.Gap);
        return new RequestTemplate(RequestWriter.Build("POST", "/v3/kv/range", host, $"{{\"key\":\"{gap}\"}}"), gap);
    }
}
