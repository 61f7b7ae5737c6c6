namespace Consensus.StateMachine.Policies;

/// <summary>
/// The bounds of one principal, as an administrator set them; 0 for what nobody set, which has the default. Of a name with a final
/// <c>*</c> they are those of each principal that it stands for. The last three are judged in apply. The others are such as a member
/// could judge for itself: they have their place in the log and in snapshots, no request sets them, and nobody judges by them.
/// </summary>
/// <param name="Rate">Requests a second, weighted: 1 for a read, 2 for a write, 10 for a page of a list. Not set: any number.</param>
/// <param name="Burst">How many come at once after a rest, weighted so too; only beside a rate.</param>
/// <param name="InFlight">Requests that a member answers at the same time.</param>
/// <param name="Watches">Watches and streams of events that stand at one member.</param>
/// <param name="Waiting">Requests that wait at one member for a hold.</param>
/// <param name="Lists">Views that pages of lists keep at one member.</param>
/// <param name="Snapshots">Backups that one member sends at the same time.</param>
/// <param name="Leases">Sessions, too, and leases of holds.</param>
/// <param name="Holds">Holds and waiting places together.</param>
/// <param name="IdempotencyBytes">Of what is kept of its requests under an <c>Idempotency-Key</c>.</param>
public sealed record PrincipalLimits(
    long Rate,
    long Burst,
    long InFlight,
    long Watches,
    long Waiting,
    long Lists,
    long Snapshots,
    long Leases,
    long Holds,
    long IdempotencyBytes)
{
    /// <summary>The largest that one may be set to; the least is 1.</summary>
    public const long Most = 1_000_000_000_000;

    /// <summary>Nothing is set.</summary>
    public static readonly PrincipalLimits Default = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>Each within its range, and a burst beside a rate.</summary>
    public bool IsValid =>
        (Burst == 0 || Rate > 0) && IsOne(Rate) && IsOne(Burst) && IsOne(InFlight) && IsOne(Watches) && IsOne(Waiting) && IsOne(Lists)
        && IsOne(Snapshots) && IsOne(Leases) && IsOne(Holds) && IsOne(IdempotencyBytes);

    public long LeasesWithin(Limits limits) => Leases > 0 ? Leases : Share(limits.MaxLeases);

    /// <summary>Each object that is in use by somebody has a hold or a place of his: so this is his share of these, too.</summary>
    public long HoldsWithin(Limits limits) => Holds > 0 ? Holds : Share(Math.Min(limits.MaxObjects, limits.MaxWaiters));

    public long IdempotencyBytesWithin(Limits limits) => IdempotencyBytes > 0 ? IdempotencyBytes : Share(limits.MaxIdempotencyBytes);

    private static bool IsOne(long limit) => limit is >= 0 and <= Most;

    /// <summary>A quarter: so three others find room beside one that takes all that it can.</summary>
    private static long Share(long bound) => Math.Max(1, bound / 4);
}
