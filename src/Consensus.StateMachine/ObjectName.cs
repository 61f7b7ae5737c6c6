namespace Consensus.StateMachine;

/// <summary>Name spaces of what can be held (rule 25). The numbers are in the log.</summary>
public enum HoldSpace
{
    Lock = 0,
    Semaphore = 1,
    Election = 2,
}

/// <summary>Who may hold together. Semaphores and elections are exclusive per permit and per election.</summary>
public enum LockMode
{
    Exclusive = 0,

    /// <summary>Any number of shared holds together, none beside an exclusive one.</summary>
    Shared = 1,
}

/// <summary>A lock, semaphore or election. Ordered by space, then by the name's bytes.</summary>
public readonly record struct ObjectName(HoldSpace Space, Key Name) : IComparable<ObjectName>
{
    public static ObjectName Lock(Key name) => new(HoldSpace.Lock, name);

    public static ObjectName Semaphore(Key name) => new(HoldSpace.Semaphore, name);

    public static ObjectName Election(Key name) => new(HoldSpace.Election, name);

    public int CompareTo(ObjectName other)
    {
        var bySpace = ((int)Space).CompareTo((int)other.Space);
        return bySpace != 0 ? bySpace : Name.CompareTo(other.Name);
    }

    public override string ToString() => $"{Space.ToString().ToLowerInvariant()} {Name}";
}
