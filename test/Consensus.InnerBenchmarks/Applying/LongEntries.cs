using BenchmarkDotNet.Attributes;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.InnerBenchmarks.Applying;

/// <summary>
/// The entries that take longest, each once in a state of a million keys and 100,000 leases of which a view was just taken: what one turn
/// may come to (rule 9). What a step is made of is bounded by <see cref="Limits.MaxObjectsPerStep"/>, what a client asks for at once by
/// <see cref="Limits.MaxObjectsPerCommand"/>.
/// </summary>
public class LongEntries
{
    private const int Keys = 1_000_000;
    private const int Leases = 100_000;
    private const int Most = 10_000;
    private static readonly int Step = Limits.Default.MaxObjectsPerStep;
    private const int Renewed = 800;
    private const long Second = 1_000_000;
    private const long Ttl = 3_600 * Second;
    private static readonly Key Line = Key.FromText("line");

    private readonly StateFeed _feed = new();
    private readonly DeterministicRandom _random = new(7);
    private readonly List<LeaseId> _leases = [];
    private long _drawn;
    private FencingToken _writer;

    [GlobalSetup]
    public void Prepare()
    {
        for (var number = 0; number < Keys; number++)
        {
            StateFeed.Expect<PutDone>(_feed.Apply(Samples.Encode(Samples.Put(number).Command)));
        }
        for (var number = 0; number < Leases; number++)
        {
            _leases.Add(NewLease(Ttl));
        }
    }

    [IterationSetup(Target = nameof(RenewLeases))]
    public void BeforeRenewal() => _feed.TakeView();

    [Benchmark]
    public object RenewLeases() =>
        _feed.Do(new RenewLeasesCommand([.. Enumerable.Range(0, Renewed).Select(_ => _leases[(int)_random.Next(_leases.Count)])]));

    [IterationSetup(Target = nameof(ExpireLeases))]
    public void BeforeExpiry()
    {
        for (var i = 0; i < Step; i++)
        {
            NewLease(Second);
        }
        _feed.Pass(2 * Second);
        _feed.TakeView();
    }

    [Benchmark]
    public object ExpireLeases() => _feed.Do(new ExpireCommand());

    [IterationSetup(Target = nameof(ExpireHolds))]
    public void BeforeExpiryOfHolds()
    {
        for (var i = 0; i < Step / 2; i++)
        {
            var name = Key.FromText($"locks/{i:0000}");
            StateFeed.Expect<HoldGranted>(_feed.Do(new AcquireCommand(name, "owner", Second, Draw(), LeaseId.None, 0)));
        }
        _feed.Pass(2 * Second);
        _feed.TakeView();
    }

    [Benchmark]
    public object ExpireHolds() => _feed.Do(new ExpireCommand());

    [IterationSetup(Target = nameof(GrantReaders))]
    public void BeforeGrants()
    {
        _writer = ((HoldGranted)_feed.Do(new AcquireCommand(Line, "writer", Ttl, Draw(), LeaseId.None, 0))).Hold.Token;
        for (var i = 0; i < Step; i++)
        {
            var ask = new AcquireCommand(Line, $"reader{i}", Second, Draw(), LeaseId.None, Ttl) { Mode = LockMode.Shared };
            StateFeed.Expect<HoldQueued>(_feed.Do(ask));
        }
        _feed.TakeView();
    }

    [Benchmark]
    public object GrantReaders() => _feed.Do(new ReleaseHoldCommand(Line, _writer, Force: false));

    [IterationCleanup(Target = nameof(GrantReaders))]
    public void AfterGrants()
    {
        _feed.Pass(2 * Second);
        _feed.Do(new ExpireCommand());
        _feed.Do(new ExpireCommand());
        _feed.Do(new ExpireCommand());
    }

    [IterationSetup(Target = nameof(RevokeLeaseOfKeys))]
    public void BeforeRevocation()
    {
        var lease = NewLease(Ttl);
        PutMost("bench/leased-", lease);
        _drawn = lease.Value;
        _feed.TakeView();
    }

    [Benchmark]
    public object RevokeLeaseOfKeys() => _feed.Do(new RevokeLeaseCommand(new LeaseId(_drawn)));

    [IterationSetup(Target = nameof(RevokeLeaseOfLocks))]
    public void BeforeRevocationOfLocks() => LeaseMost(HoldSpace.Lock, othersWait: false);

    [Benchmark]
    public object RevokeLeaseOfLocks() => _feed.Do(new RevokeLeaseCommand(new LeaseId(_drawn)));

    [IterationSetup(Target = nameof(RevokeLeaseOfElections))]
    public void BeforeRevocationOfElections() => LeaseMost(HoldSpace.Election, othersWait: true);

    [Benchmark]
    public object RevokeLeaseOfElections() => _feed.Do(new RevokeLeaseCommand(new LeaseId(_drawn)));

    [IterationCleanup(Target = nameof(RevokeLeaseOfElections))]
    public void AfterRevocationOfElections()
    {
        // Who stood for them comes to lead them one step after the other, and ends as the time of its own lease does.
        for (var i = 0; i < 4 * Most / Step; i++)
        {
            _feed.Pass(2 * Second);
            _feed.Do(new ExpireCommand());
        }
    }

    [IterationSetup(Target = nameof(BreakReaders))]
    public void BeforeBreaking()
    {
        for (var i = 0; i < Most; i++)
        {
            var ask = new AcquireCommand(Line, $"reader{i}", Ttl, Draw(), LeaseId.None, 0) { Mode = LockMode.Shared };
            StateFeed.Expect<HoldGranted>(_feed.Do(ask));
        }
        _feed.TakeView();
    }

    [Benchmark]
    public object BreakReaders() => _feed.Do(new ReleaseHoldCommand(Line, FencingToken.None, Force: true));

    [IterationSetup(Target = nameof(DeletePrefix))]
    public void BeforeDeletion()
    {
        PutMost("bench/many-", LeaseId.None);
        _feed.TakeView();
    }

    [Benchmark]
    public object DeletePrefix() => _feed.Do(new DeletePrefixCommand(Key.FromText("bench/many-")));

    private void PutMost(string prefix, LeaseId lease)
    {
        for (var i = 0; i < Most; i++)
        {
            var put = new PutCommand(Key.FromText($"{prefix}{i:00000000}"), Samples.Value(), lease, KeyCondition.None);
            StateFeed.Expect<PutDone>(_feed.Apply(Samples.Encode(put)));
        }
    }

    private void LeaseMost(HoldSpace space, bool othersWait)
    {
        var lease = NewLease(Ttl);
        for (var i = 0; i < Most; i++)
        {
            var name = Key.FromText($"leased/{i:00000}");
            StateFeed.Expect<HoldGranted>(_feed.Do(new AcquireCommand(name, "owner", 0, LeaseId.None, lease, 0) { Space = space }));
            if (othersWait)
            {
                StateFeed.Expect<HoldQueued>(_feed.Do(new AcquireCommand(name, "next", Second, Draw(), LeaseId.None, Ttl) { Space = space }));
            }
        }
        _drawn = lease.Value;
        _feed.TakeView();
    }

    private LeaseId NewLease(long ttl)
    {
        var lease = Draw();
        StateFeed.Expect<LeaseGranted>(_feed.Do(new GrantLeaseCommand(lease, ttl)));
        return lease;
    }

    /// <summary>As a member draws them: from all over the table.</summary>
    private LeaseId Draw() => new(1 + (long)(_random.NextUInt64() >> 2));
}
