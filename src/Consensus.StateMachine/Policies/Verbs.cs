namespace Consensus.StateMachine.Policies;

/// <summary>What a rule lets somebody do with names. The numbers are in the log.</summary>
[Flags]
public enum Verbs
{
    None = 0,

    /// <summary>Get, list, watch, compare, show.</summary>
    Read = 1,

    /// <summary>Put and delete a key, pass a fence.</summary>
    Write = 2,

    /// <summary>Acquire, and renew, release and hand over what is one's own.</summary>
    Hold = 4,

    /// <summary>What is done to others: end their holds, forget a fence, change the limit of a semaphore in use.</summary>
    Break = 8,
}

/// <summary>What names name, for a rule: the name spaces are apart (rule 25). The numbers are in the log.</summary>
[Flags]
public enum Spaces
{
    None = 0,
    Keys = 1,
    Locks = 2,
    Semaphores = 4,
    Elections = 8,
    Fences = 16,
}

/// <summary>What is done to the cluster and not to a name. No rule gives these: built-in roles do.</summary>
[Flags]
public enum SystemRights
{
    None = 0,

    /// <summary>Leases of one's own: whoever may write or hold anything has it.</summary>
    UseLeases = 1,

    /// <summary>Status, metrics, diagnosis, health in detail.</summary>
    ViewStatus = 2,

    /// <summary>State hashes and digests.</summary>
    ViewHash = 4,

    /// <summary>Members, the leader, leases of others.</summary>
    Operate = 8,

    TakeSnapshot = 16,

    /// <summary>Roles, principals and all that nothing else gives.</summary>
    Administer = 32,

    /// <summary>Another token in the place of the one that is asked with: whoever is known has it.</summary>
    KeepToken = 64,
}
