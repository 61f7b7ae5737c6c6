using System.Collections.Immutable;

namespace Consensus.StateMachine.Policies;

/// <summary>A role that somebody made.</summary>
public sealed record RoleInfo(string Name, ImmutableArray<AccessRule> Rules)
{
    /// <summary>Compiled once, when the role is made.</summary>
    internal RoleRights Rights { get; } = new(Rules, SystemRights.None);

    public bool Equals(RoleInfo? other) => other is not null && Name == other.Name && Rules.SequenceEqual(other.Rules);

    public override int GetHashCode() => Rules.Length;
}

/// <summary>
/// What roles whoever has the name has, or every name that begins with what stands before a final <c>*</c>: the longest that fits counts,
/// and alone.
/// </summary>
/// <param name="Roles">In the order given, no two alike.</param>
/// <param name="IsDisabled">Nothing is allowed.</param>
public sealed record PrincipalInfo(string Name, ImmutableArray<string> Roles, bool IsDisabled)
{
    /// <summary>How much of everything it may take, be it one of many that the name stands for.</summary>
    public PrincipalLimits Limits { get; init; } = PrincipalLimits.Default;

    public bool Equals(PrincipalInfo? other) =>
        other is not null && Name == other.Name && IsDisabled == other.IsDisabled && Roles.SequenceEqual(other.Roles)
        && Limits == other.Limits;

    public override int GetHashCode() => Roles.Length;
}

/// <summary>A token: whoever shows it with its secret is its principal.</summary>
/// <param name="Secret">The SHA-256 of the secret, 32 bytes: what is told of a state gives nobody a token.</param>
/// <param name="Family">The id of the first token of those that came of it, each made with one before: they are revoked together.</param>
/// <param name="NotAfter">
/// Until when it is good, in seconds since 1970, as members judge by their own clocks: no rule of the state looks at it, which knows
/// another time.
/// </param>
/// <param name="TtlSeconds">For how long it was asked for.</param>
public sealed record TokenInfo(string Id, Key Secret, string Principal, string Family, long NotAfter, long TtlSeconds)
{
    /// <summary>Whose requests the log has as made with this token.</summary>
    public Actor Actor { get; } = new(Principal, Actor.TokenPrefix + Id);
}

/// <summary>A certificate that is not believed any more.</summary>
/// <param name="Fingerprint">The SHA-256 of the certificate, 32 bytes.</param>
/// <param name="Note">For a person; may be empty.</param>
public sealed record RevocationInfo(Key Fingerprint, string Note);
