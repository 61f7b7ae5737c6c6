using System.Collections.Immutable;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Commands;

/// <summary>
/// Changes who may do what: an administrator's act. It takes no revision of the store; the policy counts its changes itself.
/// </summary>
public abstract record PolicyCommand : Command
{
    /// <summary>What the policy's revision must be (<c>If-Match</c>); 0 for any.</summary>
    public long ExpectedRevision { get; init; }
}

/// <summary>Makes a role, or gives it other rules. A role that is built in is refused.</summary>
public sealed record PutRoleCommand(string Name, ImmutableArray<AccessRule> Rules) : PolicyCommand;

/// <summary>Refused while a principal has the role.</summary>
public sealed record DeleteRoleCommand(string Name) : PolicyCommand;

/// <summary>Gives a principal these roles and no others.</summary>
/// <param name="Name">May end in <c>*</c>: see <see cref="PrincipalInfo"/>.</param>
public sealed record PutPrincipalCommand(string Name, ImmutableArray<string> Roles, bool IsDisabled) : PolicyCommand
{
    public PrincipalLimits Limits { get; init; } = PrincipalLimits.Default;
}

public sealed record DeletePrincipalCommand(string Name) : PolicyCommand;

/// <summary>A certificate is not believed any more: whoever shows it is refused. No quota refuses it.</summary>
/// <param name="Fingerprint">Its SHA-256, 32 bytes.</param>
/// <param name="Note">For a person.</param>
public sealed record PutRevocationCommand(Key Fingerprint, string Note) : PolicyCommand;

/// <summary>The certificate is believed again.</summary>
public sealed record DeleteRevocationCommand(Key Fingerprint) : PolicyCommand;

/// <summary>A change of a token, of which the state has the hash of its secret alone.</summary>
public abstract record TokenCommand : PolicyCommand;

/// <summary>Makes a token, the first of its family. Done again it changes nothing: the first time says until when it is good.</summary>
/// <param name="Id">As <see cref="PolicyNames.IsTokenId"/> has it.</param>
/// <param name="Secret">The SHA-256 of its secret, 32 bytes.</param>
/// <param name="Principal">Whom it makes its holder: no pattern.</param>
/// <param name="NotAfter">Until when, in seconds since 1970 by the clock of the member that was asked.</param>
/// <param name="TtlSeconds">For how long it was asked for, from 1 on: none that is made with it is for longer.</param>
public sealed record PutTokenCommand(string Id, Key Secret, string Principal, long NotAfter, long TtlSeconds) : TokenCommand;

/// <summary>As above, by the holder of a token: another one of the same principal and family, for no longer than that was for.</summary>
public sealed record RotateTokenCommand(string Id, Key Secret, long NotAfter, long TtlSeconds) : TokenCommand;

/// <summary>Ends a token.</summary>
/// <param name="Only">The others of its family stay; else they end with it.</param>
/// <param name="NotAfter">When, in seconds since 1970, if it does not end before; 0: now, and nothing is left of it.</param>
public sealed record RevokeTokenCommand(string Id, bool Only, long NotAfter) : TokenCommand;

/// <summary>Ends the token with which it is asked, and no other.</summary>
/// <param name="NotAfter">As of <see cref="RevokeTokenCommand"/>.</param>
public sealed record EndOwnTokenCommand(long NotAfter) : TokenCommand;

/// <summary>From here on nothing is allowed that no role allows. Nothing undoes it. Idempotent.</summary>
/// <param name="Admin">
/// To whom the role <c>admin</c> is bound, unless it is already; one to whom others are bound without it is refused. Empty for nobody.
/// </param>
public sealed record EnableAuthCommand(string Admin) : PolicyCommand;
