using Consensus.Primitives;

namespace Consensus.StateMachine.Policies;

/// <summary>
/// One thing that a request needs to be allowed: something done to a name, to all names with a prefix, to a hold or a lease that is to be
/// one's own, or to the cluster.
/// </summary>
public readonly record struct Access
{
    /// <summary>One space; none for a lease and for the cluster.</summary>
    public Spaces Space { get; private init; }

    /// <summary>One verb; none for a lease and for the cluster.</summary>
    public Verbs Verb { get; private init; }

    public Key Name { get; private init; }

    /// <summary>All names that begin with <see cref="Name"/> are touched: one rule must cover them all.</summary>
    public bool IsPrefix { get; private init; }

    /// <summary>The hold of this token is to be one's own, unless one may break it; none where no hold is named.</summary>
    public FencingToken Token { get; private init; }

    /// <summary>One of these is enough; none for a name.</summary>
    public SystemRights Right { get; private init; }

    /// <summary>It is to be one's own, or <see cref="Right"/> says who else may; none where no lease is named.</summary>
    public LeaseId Lease { get; private init; }

    /// <summary>The lease is one of many, each with an answer of its own: that it is another's refuses nothing else.</summary>
    public bool IsOneOfMany { get; private init; }

    public static Access To(Spaces space, Verbs verb, Key name) => new() { Space = space, Verb = verb, Name = name };

    public static Access To(ObjectName name, Verbs verb) => To(SpaceOf(name.Space), verb, name.Name);

    public static Access ToPrefix(Spaces space, Verbs verb, Key prefix) => To(space, verb, prefix) with { IsPrefix = true };

    /// <summary>What its holder does with a hold.</summary>
    public static Access ToHold(ObjectName name, FencingToken token) => To(name, Verbs.Hold) with { Token = token };

    /// <summary>Something is hung on a lease, or asked under it. With none: a lease is made.</summary>
    public static Access ToLease(LeaseId lease) => new() { Right = SystemRights.UseLeases, Lease = lease };

    /// <summary>A lease is shown, kept alive or ended, which an operator may too.</summary>
    public static Access ToLifeOf(LeaseId lease) => new() { Right = SystemRights.UseLeases | SystemRights.Operate, Lease = lease };

    /// <inheritdoc cref="IsOneOfMany"/>
    public static Access ToLifeOfEach(LeaseId lease) => ToLifeOf(lease) with { IsOneOfMany = true };

    public static Access ToCluster(SystemRights right) => new() { Right = right };

    public static Spaces SpaceOf(HoldSpace space) => space switch
    {
        HoldSpace.Lock => Spaces.Locks,
        HoldSpace.Semaphore => Spaces.Semaphores,
        HoldSpace.Election => Spaces.Elections,
        _ => Invariant.Unreachable<Spaces>(space),
    };

    /// <summary>The same done to another's hold.</summary>
    internal Access Broken => this with { Verb = Verbs.Break, Token = FencingToken.None };
}
