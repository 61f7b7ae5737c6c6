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
    public bool Equals(PrincipalInfo? other) =>
        other is not null && Name == other.Name && IsDisabled == other.IsDisabled && Roles.SequenceEqual(other.Roles);

    public override int GetHashCode() => Roles.Length;
}

/// <summary>A certificate that is not believed any more.</summary>
/// <param name="Fingerprint">The SHA-256 of the certificate, 32 bytes.</param>
/// <param name="Note">For a person; may be empty.</param>
public sealed record RevocationInfo(Key Fingerprint, string Note);
