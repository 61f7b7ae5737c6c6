using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Requests for holds, and what became of them.</summary>
internal static class Asks
{
    public const long Second = 1_000_000;

    public static AcquireCommand Lock(string name, string owner, long lease, long wait = 0, LockMode mode = LockMode.Exclusive, long ttl = 60 * Second) =>
        new(Machine.Key(name), owner, ttl, new LeaseId(lease), LeaseId.None, wait) { Mode = mode };

    public static AcquireCommand Shared(string name, string owner, long lease, long wait = 0) => Lock(name, owner, lease, wait, LockMode.Shared);

    public static AcquireCommand Semaphore(string name, string owner, long lease, long count, long permits, long wait = 0) =>
        Lock(name, owner, lease, wait) with { Space = HoldSpace.Semaphore, Count = count, Permits = permits };

    public static AcquireCommand Election(string name, string candidate, long lease, byte[] value, long wait = 0) =>
        Lock(name, candidate, lease, wait) with { Space = HoldSpace.Election, Value = value };

    public static AcquireManyCommand Many(string owner, long lease, params string[] names) =>
        new([.. names.Select(Machine.Key)], owner, 60 * Second, new LeaseId(lease), LeaseId.None);

    public static AcquireManyCommand WaitMany(string owner, long lease, params string[] names) =>
        Many(owner, lease, names) with { WaitMicros = 60 * Second };

    public static ReleaseHoldCommand Release(Hold hold, bool force = false) => new(hold.Name, hold.Token, force) { Space = hold.Space };

    public static RenewHoldCommand Renew(Hold hold) => new(hold.Name, hold.Token) { Space = hold.Space };

    public static HandOverCommand HandOver(Hold hold, string to) => new(hold.Name, hold.Token, to) { Space = hold.Space };

    public static Hold Granted(this Machine machine, AcquireCommand ask, string identity = "") => ((HoldGranted)machine.Do(ask, identity)).Hold;

    public static RequestId Queued(this Machine machine, Command ask, string identity = "", long member = 1)
    {
        Assert.That(machine.Do(ask, identity, member: member), Is.InstanceOf<HoldQueued>());
        return Machine.Request(machine.Last.Sequence, member);
    }

    /// <summary>What a request that waited was granted; null while it was not.</summary>
    public static Hold? GrantOf(this Machine machine, RequestId request) => machine.OutcomesOf(request).OfType<HoldGranted>().LastOrDefault()?.Hold;

    /// <summary>As above, of a request for several locks.</summary>
    public static IReadOnlyList<Hold>? GrantsOf(this Machine machine, RequestId request) =>
        machine.OutcomesOf(request).OfType<ManyGranted>().LastOrDefault()?.Holds;

    public static HeldObject Look(this Machine machine, Hold hold) => machine.View.GetObject(hold.Object);

    /// <summary>Lets time pass and ends what is due.</summary>
    public static void Expire(this Machine machine, long micros)
    {
        machine.Pass(micros);
        machine.Do(new ExpireCommand());
    }
}
