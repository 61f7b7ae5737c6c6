using Consensus.Primitives;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Outcomes;

/// <summary>Whoever asked may not do that; nothing was done, and nothing is said of what there is. 403.</summary>
public sealed record Forbidden(Revision Revision, DenialReason Reason) : Outcome(Revision)
{
    /// <summary>What was not allowed, as it was asked for; nothing where all is refused, and in an answer that is told again.</summary>
    public Access Missing { get; init; }
}

/// <summary>The policy is as was asked.</summary>
/// <param name="PolicyRevision">From now on.</param>
/// <param name="Before">The same where nothing had to be changed.</param>
public sealed record PolicyChanged(Revision Revision, long PolicyRevision, long Before) : Outcome(Revision);

/// <summary>Why the policy was not changed. The numbers are in snapshots and state hashes.</summary>
public enum PolicyRefusal
{
    /// <summary>Its revision is another than was expected. 412.</summary>
    OtherRevision = 1,

    /// <summary>A principal has the role that was to be deleted. 412.</summary>
    RoleInUse = 2,

    /// <summary>The role is built in. 400.</summary>
    BuiltIn = 3,

    /// <summary>A principal was to have a role that there is not. 400.</summary>
    NoSuchRole = 4,

    /// <summary>What was to be deleted is not there. 404.</summary>
    Missing = 5,

    /// <summary>
    /// A name that no role or principal can have, a rule that says nothing, a role given twice, a fingerprint or an id that is none. 400.
    /// </summary>
    Malformed = 6,

    /// <summary>Who is to administer is disabled, or has roles without that. 412.</summary>
    NoAdministrator = 7,

    /// <summary>A token of that id is there, and is another one. 412.</summary>
    OtherToken = 8,

    /// <summary>A token was to be made, or ended, with the one that is asked with, and it is asked with none. 400.</summary>
    NoTokenShown = 9,

    /// <summary>A token was to be good for longer than the one that it is made with, or than any may be. 400.</summary>
    TooLong = 10,
}

/// <summary>Nothing was done.</summary>
/// <param name="PolicyRevision">Of the policy, which stays.</param>
/// <param name="Name">Of the role or principal that it is about; empty where it is about none.</param>
public sealed record PolicyRefused(Revision Revision, PolicyRefusal Reason, long PolicyRevision, string Name) : Outcome(Revision);
