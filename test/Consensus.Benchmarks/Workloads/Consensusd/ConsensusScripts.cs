using System.Globalization;
using System.Text.Json;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Consensusd;

/// <summary>The workloads in the words of <c>docs/http-api.md</c>.</summary>
internal sealed class ConsensusScripts : IScriptSource
{
    public IClientScript Create(Workload workload, ClientSeat seat) => workload switch
    {
        Workload.Put => new RandomKeyScript(PutTemplate(seat.Host), KeySpace.Plain, seat.Index, smallestBody: 0),
        Workload.Get => Gets(seat, string.Empty),
        Workload.CompareAndSet => new ConsensusCompareAndSetScript(seat),
        Workload.Lock => new ConsensusLockScript(
            seat,
            string.Create(CultureInfo.InvariantCulture, $"/v1/locks/bench/{seat.Run}/own-{seat.Index:00000}"),
            wait: null,
            new HolderWitness()),
        Workload.ContendedLock => new ConsensusLockScript(seat, $"/v1/locks/bench/{seat.Run}/shared", wait: "60s", seat.Witness),
        Workload.Election => new ConsensusLockScript(seat, $"/v1/elections/bench/{seat.Run}/shared", wait: "60s", seat.Witness),
        Workload.StaleGet => Gets(seat, "?consistency=stale"),
        Workload.Mixed => new MixedScript(Create(Workload.Get, seat), Create(Workload.Put, seat), 10, seat.Index),
        Workload.Blend => Create(WorkloadNames.PartOfBlend(seat.Index), seat),
        Workload.Renew => new LeaseScript(Lease(seat)),
        _ => throw new ArgumentOutOfRangeException(nameof(workload)),
    };

    public IClientScript Fill(ClientSeat seat, FillShare share) => new FillScript(PutTemplate(seat.Host), KeySpace.Plain, share);

    public IClientScript PutOne(string host) =>
        new FixedRequestScript(RequestWriter.Build("PUT", "/v1/kv/bench/failover", host, KeySpace.Value));

    public WatchWords Watch(string watchHost, string putHost, string key) => new(
        RequestWriter.Build("GET", $"/v1/kv/{key}", watchHost, headers: "Accept: text/event-stream\r\n"),
        "id: "u8.ToArray(),
        RequestWriter.Build("PUT", $"/v1/kv/{key}", putHost, KeySpace.Value),
        "\"modRevision\""u8.ToArray());

    private static RequestTemplate PutTemplate(string host) =>
        new(RequestWriter.Build("PUT", $"/v1/kv/{KeySpace.Gap}", host, KeySpace.Value), KeySpace.Gap);

    private static RandomKeyScript Gets(ClientSeat seat, string query)
    {
        var template = new RequestTemplate(RequestWriter.Build("GET", $"/v1/kv/{KeySpace.Gap}{query}", seat.Host), KeySpace.Gap);
        return new RandomKeyScript(template, KeySpace.Plain, seat.Index, KeySpace.ValueBytes);
    }

    private static LeaseWords Lease(ClientSeat seat)
    {
        static string? IdIn(byte[] answer) =>
            JsonDocument.Parse(answer).RootElement.TryGetProperty("id", out var id) ? id.GetString() : null;

        return new LeaseWords(
            RequestWriter.Build("POST", "/v1/leases", seat.Host, """{"ttl":"10m"}"""),
            answer => IdIn(answer) is { } id ? RequestWriter.Build("POST", $"/v1/leases/{id}/keepalive", seat.Host) : null,
            answer => IdIn(answer) is { } id ? RequestWriter.Build("DELETE", $"/v1/leases/{id}", seat.Host) : null,
            RevokedStatus: 200);
    }
}
