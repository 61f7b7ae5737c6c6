using BenchmarkDotNet.Attributes;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.InnerBenchmarks.Applying;

/// <summary>What an entry costs the state machine, decoding and the running hash included, on a store that holds as many keys and as many locks, each with a lease of its own.</summary>
public class Apply
{
    private const int Drawn = 1024;
    private const long Ttl = 3_600_000_000_000;
    private static readonly LeaseId OwnLease = new(1);
    private readonly byte[][] _puts = new byte[Drawn][];
    private readonly byte[] _renewal = Samples.Encode(new RenewLeasesCommand([OwnLease]));
    private readonly Key _lock = Key.FromText("locks/measured");
    private StateFeed _feed = null!;
    private int _next;
    private long _lease;

    [Params(0, 100_000)]
    public int Objects { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _feed = new StateFeed();
        for (var i = 0; i < Drawn; i++)
        {
            // From all over the table, and not in its order.
            _puts[i] = Samples.Encode(Samples.Put(i * 97 % Drawn * Math.Max(1, Objects / Drawn)).Command);
        }

        StateFeed.Expect<LeaseGranted>(_feed.Do(new GrantLeaseCommand(OwnLease, Ttl)));
        for (var number = 0; number < Objects; number++)
        {
            StateFeed.Expect<PutDone>(_feed.Apply(Samples.Encode(Samples.Put(number).Command)));
            StateFeed.Expect<HoldGranted>(_feed.Do(Acquire(Key.FromText($"locks/{number:00000000}"))));
        }
    }

    [Benchmark]
    public object Put() => _feed.Apply(_puts[_next++ & (Drawn - 1)]);

    /// <summary>Two entries; encoding them is counted too, for the second carries the token of the first.</summary>
    [Benchmark]
    public object LockAcquireAndRelease()
    {
        var token = ((HoldGranted)_feed.Do(Acquire(_lock))).Hold.Token;
        return _feed.Do(new ReleaseHoldCommand(_lock, token, Force: false));
    }

    [Benchmark]
    public object LeaseRenewal() => _feed.Apply(_renewal);

    private AcquireCommand Acquire(Key name) => new(name, "owner", Ttl, new LeaseId(1000 + ++_lease), LeaseId.None, 0);
}
