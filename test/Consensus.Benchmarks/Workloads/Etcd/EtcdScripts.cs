using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Etcd;

/// <summary>The workloads in the words of etcd 3.4's JSON gateway: keys and values in base64, encoded ahead of the measured loop.</summary>
internal sealed class EtcdScripts : IScriptSource
{
    public IClientScript Create(Workload workload, ClientSeat seat) => workload switch
    {
        Workload.Put => new RandomKeyScript(PutTemplate(seat.Host), KeySpace.Base64, seat.Index, smallestBody: 0),
        Workload.Get => Gets(seat, string.Empty),
        Workload.CompareAndSet => new EtcdCompareAndSetScript(seat),
        Workload.Lock => new EtcdLockScript(
            seat,
            string.Create(CultureInfo.InvariantCulture, $"bench/{seat.Run}/own-{seat.Index:00000}"),
            new HolderWitness()),
        Workload.ContendedLock => new EtcdLockScript(seat, $"bench/{seat.Run}/shared", seat.Witness),
        Workload.Election => new EtcdElectionScript(seat, $"bench/{seat.Run}/election", seat.Witness),
        Workload.StaleGet => Gets(seat, ",\"serializable\":true"),
        Workload.Mixed => new MixedScript(Create(Workload.Get, seat), Create(Workload.Put, seat), 10, seat.Index),
        Workload.Blend => Create(WorkloadNames.PartOfBlend(seat.Index), seat),
        Workload.Renew => new LeaseScript(Lease(seat)),
        _ => throw new ArgumentOutOfRangeException(nameof(workload)),
    };

    public IClientScript Fill(ClientSeat seat, FillShare share) => new FillScript(PutTemplate(seat.Host), KeySpace.Base64, share);

    public IClientScript PutOne(string host) => new FixedRequestScript(Put(host, KeySpace.ToBase64("bench/failover")));

    private static byte[] Put(string host, string base64Key) =>
        RequestWriter.Build("POST", "/v3/kv/put", host, $"{{\"key\":\"{base64Key}\",\"value\":\"{KeySpace.Base64Value}\"}}");

    public WatchWords Watch(string watchHost, string putHost, string key) => new(
        RequestWriter.Build("POST", "/v3/watch", watchHost, $"{{\"create_request\":{{\"key\":\"{KeySpace.ToBase64(key)}\"}}}}"),
        "\"revision\":\""u8.ToArray(),
        Put(putHost, KeySpace.ToBase64(key)),
        "\"revision\""u8.ToArray());

    private static RequestTemplate PutTemplate(string host)
    {
        var gap = KeySpace.ToBase64(KeySpace.Gap);
        return new RequestTemplate(Put(host, gap), gap);
    }

    private static RandomKeyScript Gets(ClientSeat seat, string options)
    {
        var gap = KeySpace.ToBase64(KeySpace.Gap);
        var template = new RequestTemplate(RequestWriter.Build("POST", "/v3/kv/range", seat.Host, $"{{\"key\":\"{gap}\"{options}}}"), gap);
        return new RandomKeyScript(template, KeySpace.Base64, seat.Index, KeySpace.ValueBytes);
    }

    private static LeaseWords Lease(ClientSeat seat)
    {
        byte[]? ForLease(byte[] answer, string target) => JsonScan.TryReadNumber(answer, "\"ID\""u8, out var id)
            ? RequestWriter.Build("POST", target, seat.Host, string.Create(CultureInfo.InvariantCulture, $"{{\"ID\":\"{id}\"}}"))
            : null;

        return new LeaseWords(
            RequestWriter.Build("POST", "/v3/lease/grant", seat.Host, """{"TTL":"600"}"""),
            answer => ForLease(answer, "/v3/lease/keepalive"),
            answer => ForLease(answer, "/v3/lease/revoke"),
            RevokedStatus: 200);
    }
}
