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
public sealed record PutPrincipalCommand(string Name, ImmutableArray<string> Roles, bool IsDisabled) : PolicyCommand;

public sealed record DeletePrincipalCommand(string Name) : PolicyCommand;

/// <summary>A certificate is not believed any more: whoever shows it is refused. No quota refuses it.</summary>
/// <param name="Fingerprint">Its SHA-256, 32 bytes.</param>
/// <param name="Note">For a person.</param>
public sealed record PutRevocationCommand(Key Fingerprint, string Note) : PolicyCommand;

/// <summary>The certificate is believed again.</summary>
public sealed record DeleteRevocationCommand(Key Fingerprint) : PolicyCommand;

/// <summary>From here on nothing is allowed that no role allows. Nothing undoes it. Idempotent.</summary>
/// <param name="Admin">
/// To whom the role <c>admin</c> is bound, unless it is already; one to whom others are bound without it is refused. Empty for nobody.
/// </param>
public sealed record EnableAuthCommand(string Admin) : PolicyCommand;
