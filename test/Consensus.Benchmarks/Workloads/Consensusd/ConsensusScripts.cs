using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.Consensusd;

/// <summary>The workloads in the words of <c>docs/http-api.md</c>.</summary>
internal sealed class ConsensusScripts : IScriptSource
{
    public IClientScript Create(Workload workload, ClientSeat seat) => workload switch
    {
        Workload.Put => new RandomKeyScript(PutTemplate(seat.Host), KeySpace.Plain, seat.Index, smallestBody: 0),
        Workload.Get => new RandomKeyScript(GetTemplate(seat.Host), KeySpace.Plain, seat.Index, KeySpace.ValueBytes),
        Workload.CompareAndSet => new ConsensusCompareAndSetScript(seat),
        Workload.Lock => new ConsensusLockScript(
            seat,
            string.Create(CultureInfo.InvariantCulture, $"bench/{seat.Run}/own-{seat.Index:00000}"),
            wait: null,
            new HolderWitness()),
        Workload.ContendedLock => new ConsensusLockScript(seat, $"bench/{seat.Run}/shared", wait: "60s", seat.Witness),
        _ => throw new ArgumentOutOfRangeException(nameof(workload)),
    };

    public IClientScript Fill(ClientSeat seat, int first, int step) => new FillScript(PutTemplate(seat.Host), KeySpace.Plain, first, step);

    public byte[] PutRequest(string host) => RequestWriter.Build("PUT", "/v1/kv/bench/failover", host, KeySpace.Value);

    private static RequestTemplate PutTemplate(string host) =>
        new(RequestWriter.Build("PUT", $"/v1/kv/{KeySpace.Gap}", host, KeySpace.Value), KeySpace.Gap);

    private static RequestTemplate GetTemplate(string host) => new(RequestWriter.Build("GET", $"/v1/kv/{KeySpace.Gap}", host), KeySpace.Gap);
}
