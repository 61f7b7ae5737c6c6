namespace Consensus.StateMachine.Policies;

/// <summary>
/// The bounds of one principal, as an administrator set them and as apply judges them; 0 for what nobody set, which has the default. Of a
/// name with a final <c>*</c> they are those of each principal that it stands for.
/// </summary>
/// <param name="Leases">Sessions, too, and leases of holds.</param>
/// <param name="Holds">Holds and waiting places together.</param>
/// <param name="IdempotencyBytes">Of what is kept of its requests under an <c>Idempotency-Key</c>.</param>
public sealed record PrincipalLimits(long Leases, long Holds, long IdempotencyBytes)
{
    /// <summary>The largest that one may be set to; the least is 1.</summary>
    public const long Most = 1_000_000_000_000;

    /// <summary>Nothing is set.</summary>
    public static readonly PrincipalLimits Default = new(0, 0, 0);

    /// <summary>Each within its range.</summary>
    public bool IsValid => IsOne(Leases) && IsOne(Holds) && IsOne(IdempotencyBytes);

    public long LeasesWithin(Limits limits) => Leases > 0 ? Leases : Share(limits.MaxLeases);

    /// <summary>Each object that is in use by somebody has a hold or a place of his: so this is his share of these, too.</summary>
    public long HoldsWithin(Limits limits) => Holds > 0 ? Holds : Share(Math.Min(limits.MaxObjects, limits.MaxWaiters));

    public long IdempotencyBytesWithin(Limits limits) => IdempotencyBytes > 0 ? IdempotencyBytes : Share(limits.MaxIdempotencyBytes);

    private static bool IsOne(long limit) => limit is >= 0 and <= Most;

    /// <summary>A quarter: so three others find room beside one that takes all that it can.</summary>
    private static long Share(long bound) => Math.Max(1, bound / 4);
}
