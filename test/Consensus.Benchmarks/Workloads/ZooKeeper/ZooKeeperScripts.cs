using System.Globalization;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Workloads.ZooKeeper;

/// <summary>
/// The workloads in ZooKeeper's own protocol; it has no other. A key is a node below <see cref="Root"/>, which the cluster makes. A get
/// goes behind a <c>sync</c>, without which a member tells what it has, however old; a lease's renewal is a heartbeat of the session.
/// </summary>
internal sealed class ZooKeeperScripts : IScriptSource
{
    /// <summary>Of all keys.</summary>
    public const string Root = "/bench";

    /// <summary>What <see cref="PutOne"/> writes, and does not make.</summary>
    public const string OneKey = Root + "/failover";

    private const string GapPath = "/" + KeySpace.Gap;

    public IClientScript Create(Workload workload, ClientSeat seat) => new ZooKeeperSession(Within(workload, seat));

    public IClientScript Fill(ClientSeat seat, FillShare share) => new ZooKeeperSession(new ZooKeeperFillScript(
        Template(ZooKeeperRequest.Create(GapPath, KeySpace.Value, ZooKeeperRequest.Node.Persistent)), Sets(), share));

    public IClientScript PutOne(string host) =>
        new ZooKeeperSession(new FixedRequestScript(ZooKeeperRequest.SetData(OneKey, KeySpace.Value)));

    public WatchWords Watch(string watchHost, string putHost, string key) =>
        throw new BenchException("watches are measured over HTTP, which ZooKeeper does not speak");

    private static IClientScript Within(Workload workload, ClientSeat seat) => workload switch
    {
        Workload.Put => new RandomKeyScript(Sets(), KeySpace.Plain, seat.Index, smallestBody: 0),
        Workload.Get => new SyncedScript(Gets(seat, ZooKeeperRequest.Sync(Root))),
        Workload.StaleGet => Gets(seat, []),
        Workload.CompareAndSet => new ZooKeeperCompareAndSetScript(seat),
        Workload.Lock => new ZooKeeperLockScript(
            seat,
            string.Create(CultureInfo.InvariantCulture, $"{seat.Run}-own-{seat.Index:00000}"),
            new HolderWitness()),
        Workload.ContendedLock => new ZooKeeperLockScript(seat, $"{seat.Run}-shared", seat.Witness),
        Workload.Election => new ZooKeeperLockScript(seat, $"{seat.Run}-election", seat.Witness),
        Workload.Mixed => new MixedScript(Within(Workload.Get, seat), Within(Workload.Put, seat), 10, seat.Index),
        Workload.Blend => Within(WorkloadNames.PartOfBlend(seat.Index), seat),
        Workload.Renew => new FixedRequestScript(ZooKeeperRequest.Ping()),
        _ => throw new ArgumentOutOfRangeException(nameof(workload)),
    };

    private static RequestTemplate Sets() => Template(ZooKeeperRequest.SetData(GapPath, KeySpace.Value));

    /// <param name="before">Requests that go before it in the same sending.</param>
    private static RandomKeyScript Gets(ClientSeat seat, byte[] before) => new(
        Template([.. before, .. ZooKeeperRequest.GetData(GapPath, watch: false)]), KeySpace.Plain, seat.Index, KeySpace.ValueBytes);

    private static RequestTemplate Template(byte[] request) => new(request, KeySpace.Gap);
}
