using System.Security.Cryptography;
using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tests.Tables;

/// <summary>What counts towards the quota beside what it takes in memory: a quota that counts less is none, one that counts more refuses what there is room for.</summary>
[NonParallelizable]
internal sealed class CountedBytesTests
{
    private const int Many = 10_000;
    private const int Fewer = 2_000;
    private const long Minute = 60_000_000;
    private const double Least = 0.7;
    private const double Most = 1.5;

    private static readonly string Owner = new('o', 24);

    /// <param name="Prepare">What is there before anything is measured.</param>
    /// <param name="Add">The commands that add the record of this number.</param>
    internal sealed record Kind(Action<Filling> Prepare, Action<Filling, int> Add)
    {
        public Limits Limits { get; init; } = Bare;

        public int Count { get; init; } = Many;
    }

    /// <summary>Without a history, which has a bound of its own.</summary>
    private static Limits Bare => new() { MaxHistoryBytes = 1, MaxUnheldFacts = Many };

    private static Limits Policies => Bare with
    {
        MaxRoles = 2 * Many,
        MaxPrincipals = 2 * Many,
        MaxRevocations = 2 * Many,
        MaxTokens = 2 * Many,
    };

    private static AccessRule Rule(int i, Verbs verbs, Spaces spaces) => new(verbs, spaces, Name(i), i % 2 == 0);

    private static Limits Unbounded => Bare with { MaxAttachmentsPerLease = 2 * Many };

    private static IEnumerable<TestCaseData> Kinds()
    {
        yield return Of("keys", (f, i) => f.Do(Put(Name(i), 100)));
        yield return Of("keys with large values", (f, i) => f.Do(Put(Name(i), i % 10 == 0 ? 20_000 : 1)));
        yield return Of("keys under a lease", OneLease, (f, i) => f.Do(Put(Name(i), 10) with { Lease = new LeaseId(1) }), Unbounded);
        yield return Of("leases", (f, i) => f.Do(new GrantLeaseCommand(Lease(i), Minute)));
        yield return Of("locks", (f, i) => f.Do(Lock(i)));
        yield return Of("locks with metadata", (f, i) => f.Do(Lock(i) with { Metadata = new byte[200] }));
        yield return Of("locks with an end", (f, i) => f.Do(Lock(i) with { MaxHoldMicros = Minute, LockDelayMicros = Minute }));
        yield return Of("locks under one lease", OneLease, (f, i) => f.Do(Lock(i) with { OwnLease = LeaseId.None, SharedLease = new LeaseId(1) }), Unbounded);
        yield return Of("elections", (f, i) => f.Do(Lock(i) with { Space = HoldSpace.Election, Value = new byte[50] }));
        yield return Of("shared holds", (f, i) => f.Do(Lock(i) with { Name = Name(i % 10), Mode = LockMode.Shared }));
        yield return Of("waiters", TenLocks, (f, i) => f.Do(Wait(i)));
        yield return Of("waiters with an identity", TenLocks, (f, i) => f.Do(Wait(i), Identity(i)));
        yield return Of("waiters for several locks", TenLocks, (f, i) => f.Do(WaitForTwo(i), Identity(i)), Unbounded, Fewer);
        yield return Of("fences", f => f.Do(Lock(0)), (f, i) => f.Do(new FenceCommand(Name(i), new FencingToken(2))));
        yield return Of("released tokens", (f, i) => ReleaseOften(f, i, force: false, delay: 0), count: Fewer);
        yield return Of("released tokens that their locks do not remember", (f, i) => ReleaseOften(f, i, force: false, delay: 0, times: 100), count: Fewer);
        yield return Of("losses", (f, i) => ReleaseOften(f, i, force: true, delay: 0), count: Fewer);
        yield return Of("lock delays", (f, i) => ReleaseOften(f, i, force: true, Minute, times: 1));
        yield return Of(
            "roles",
            (f, i) => f.Do(new PutRoleCommand($"role{i}", [Rule(i, Verbs.Read, Spaces.Keys), Rule(i, Verbs.Hold, Spaces.Locks)])),
            Policies);
        yield return Of(
            "roles of everything", (f, i) => f.Do(new PutRoleCommand($"role{i}", [AccessRule.Everything with { Name = Name(i) }])),
            Policies, count: Fewer);
        yield return Of(
            "roles of many rules",
            (f, i) => f.Do(new PutRoleCommand($"role{i}", [.. Enumerable.Range(0, 50).Select(n => Rule(n, Verbs.Read, Spaces.Keys))])),
            Policies, Fewer);
        yield return Of(
            "principals",
            (f, i) => f.Do(new PutPrincipalCommand($"k8s:system:serviceaccount:prod:svc{i}", ["reader", "operator"], IsDisabled: false)),
            Policies);
        yield return Of(
            "revocations",
            (f, i) => f.Do(new PutRevocationCommand(new Key([.. BitConverter.GetBytes(i), .. new byte[28]]), "n1 of last year")), Policies);
        yield return Of(
            "tokens",
            (f, i) => f.Do(
                new PutTokenCommand($"{i:D11}", new Key(SHA256.HashData(BitConverter.GetBytes(i))), $"k8s:system:svc{i}", 1_900_000_000,
                    90)),
            Policies);
        yield return Of("kept answers", (f, i) => f.Do(Put(Name(0), 1), Identity(i)));
        yield return Of("brief answers", (f, i) => f.Do(new DeleteCommand(Name(i), KeyCondition.None), Identity(i)));
        yield return Of(
            "forgotten answers",
            (f, i) =>
            {
                f.Now = f.Now.PlusMicros(1_000);
                f.Do(Put(Name(0), 1), Identity(i));
            },
            Bare with { MaxIdempotencyKeys = 1, IdempotencyKeepMicros = 0 });
    }

    [TestCaseSource(nameof(Kinds))]
    public void What_is_counted_is_about_what_it_takes(Kind kind)
    {
        var filling = new Filling(kind.Limits);
        kind.Prepare(filling);
        kind.Add(filling, Many);
        var (taken, counted) = (GC.GetTotalMemory(forceFullCollection: true), filling.Counted);
        for (var i = 0; i < kind.Count; i++)
        {
            kind.Add(filling, i);
        }
        taken = GC.GetTotalMemory(forceFullCollection: true) - taken;
        counted = filling.Counted - counted;
        TestContext.Out.WriteLine($"{taken / kind.Count} bytes taken, {counted / kind.Count} counted: {(double)counted / taken:0.00}");
        Assert.That((double)counted / taken, Is.InRange(Least, Most));
        GC.KeepAlive(filling);
    }

    private static TestCaseData Of(string name, Action<Filling, int> add, Limits? limits = null, int count = Many) => Of(name, static _ => { }, add, limits, count);

    private static TestCaseData Of(string name, Action<Filling> prepare, Action<Filling, int> add, Limits? limits = null, int count = Many) =>
        new TestCaseData(new Kind(prepare, add) { Limits = limits ?? Bare, Count = count }).SetArgDisplayNames(name);

    private static PutCommand Put(Key key, int bytes) => new(key, new byte[bytes], LeaseId.None, KeyCondition.None);

    private static AcquireCommand Lock(int number) => new(Name(number), Owner, Minute, Lease(number), LeaseId.None, 0);

    private static void OneLease(Filling filling) => filling.Do(new GrantLeaseCommand(new LeaseId(1), Minute));

    private static void TenLocks(Filling filling)
    {
        for (var i = 0; i < 10; i++)
        {
            filling.Do(Lock(-1 - i) with { Name = Name(i) });
        }
    }

    private static AcquireCommand Wait(int number) => Lock(number) with { Name = Name(number % 10), WaitMicros = Minute };

    private static AcquireManyCommand WaitForTwo(int number) =>
        new([Name(number % 10), Name((number + 1) % 10)], Owner, Minute, Lease(number), LeaseId.None) { WaitMicros = Minute };

    private static void ReleaseOften(Filling filling, int number, bool force, long delay, int times = 16)
    {
        for (var i = 0; i < times; i++)
        {
            filling.Do(Lock(number) with { LockDelayMicros = delay });
            filling.Do(new ReleaseHoldCommand(Name(number), force ? FencingToken.None : new FencingToken(filling.State.Revision.Value), force));
        }
    }

    /// <summary>Spread, so that nothing comes in order.</summary>
    private static long Spread(int number) => (long)((ulong)(number + 100) * 0x9E3779B97F4A7C15UL >> 1);

    private static LeaseId Lease(int number) => new(Spread(number));

    private static Key Name(int number) => Machine.Key(string.Create(CultureInfo.InvariantCulture, $"jobs/{Spread(number):x16}"));

    private static string Identity(int number) => string.Create(CultureInfo.InvariantCulture, $"{Spread(number):x16}-{number:x16}");

    /// <summary>A state that keeps nothing of its outcomes.</summary>
    internal sealed class Filling(Limits limits)
    {
        private readonly ApplyOutput _output = new();
        private long _sequence;

        public ReplicatedState State { get; } = new(limits);

        public ClusterTime Now { get; set; } = new(1_000_000);

        public long Counted => State.Counts.StateBytes;

        public void Do(Command command, string identity = "")
        {
            var writer = new WireWriter();
            ReadOnlyMemory<byte> print = identity.Length > 0 ? new byte[16] : default;
            CommandCodec.Write(writer, new CommandEnvelope(command, Encoding.UTF8.GetBytes(identity), print));
            _output.Resolutions.Clear();
            State.Apply(new LoggedEntry(State.AppliedIndex.Next, Now, true, Machine.Request(++_sequence), "", writer.ToArray()), _output);
        }
    }
}
