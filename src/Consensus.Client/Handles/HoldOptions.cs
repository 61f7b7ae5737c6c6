using Consensus.Client.Holding;

namespace Consensus.Client;

/// <summary>How a lock, permits or a leadership is held; each kind adds its own.</summary>
public abstract record HoldOptions
{
    private protected HoldOptions()
    {
    }

    /// <summary>How long the hold outlives its holder. It is renewed at a third of this. 1 s at least, unless the server is configured lower.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Who holds, for people and for hand-overs; null: <see cref="ConsensusClientOptions.ClientName"/>.</summary>
    public string? Owner { get; init; }

    /// <summary>
    /// How long before the earliest moment at which the hold can end the handle is told to be lost: the time that the work needs to stop. Null: a twentieth of the TTL, or of
    /// <see cref="MaxHold"/> where that is shorter, between 50 ms and 1 s. At most half of either.
    /// </summary>
    public TimeSpan? SafetyMargin { get; init; }

    /// <summary>Should the hold be lost, rather than released, nobody but the same owner is granted it for that long; at most 1 hour.</summary>
    public TimeSpan? LockDelay { get; init; }

    /// <summary>The hold is lost so long after its grant, however often it is renewed: the handle is told before, by the margin.</summary>
    public TimeSpan? MaxHold { get; init; }

    /// <summary>A JSON object of at most 4 KiB, shown with the hold.</summary>
    public string? Metadata { get; init; }

    /// <summary>Whoever waits for this one hold; null: nobody has to be told.</summary>
    internal AcquireWatch? Watch { get; init; }
}

/// <summary>How a lock is held.</summary>
public sealed record LockOptions : HoldOptions
{
    /// <summary>Beside other shared holds, never beside an exclusive one: a reader's lock.</summary>
    public bool Shared { get; init; }
}

/// <summary>How several locks are held together.</summary>
public sealed record MultiLockOptions : HoldOptions;

/// <summary>How permits of a semaphore are held.</summary>
public sealed record SemaphoreOptions : HoldOptions
{
    /// <summary>Permits asked for, at once.</summary>
    public long Count { get; init; } = 1;
}

/// <summary>How a leadership is held; <see cref="HoldOptions.Owner"/> is the candidate's name.</summary>
public sealed record CampaignOptions : HoldOptions
{
    /// <summary>What is proclaimed once elected, such as an address: at most 4 KiB.</summary>
    public string Value { get; init; } = "";
}
