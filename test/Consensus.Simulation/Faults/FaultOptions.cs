namespace Consensus.Simulation.Faults;

/// <summary>What may go wrong. Each kind can be switched off, to find out which ones a failure needs.</summary>
[Flags]
public enum FaultKinds
{
    None = 0,

    /// <summary>kill -9 and a later start.</summary>
    Kill = 1 << 0,

    /// <summary>A machine loses power: what was not synced is lost, in whole or torn.</summary>
    PowerLoss = 1 << 1,

    /// <summary>All machines lose power at once.</summary>
    PowerLossOfAll = 1 << 2,

    /// <summary>A clean stop and a later start.</summary>
    Restart = 1 << 3,

    /// <summary>A process stands still.</summary>
    Pause = 1 << 4,

    /// <summary>The members fall into two groups.</summary>
    Partition = 1 << 5,

    /// <summary>One direction between two members is dead.</summary>
    OneWay = 1 << 6,

    /// <summary>Single pairs do not hear each other, while others do.</summary>
    Partial = 1 << 7,

    /// <summary>A link is slow.</summary>
    SlowLink = 1 << 8,

    /// <summary>A connection breaks and is made again.</summary>
    LinkReset = 1 << 9,

    /// <summary>Messages are lost at random.</summary>
    Loss = 1 << 10,

    /// <summary>Messages between Raft cores arrive twice.</summary>
    Duplication = 1 << 11,

    /// <summary>Messages between Raft cores overtake each other.</summary>
    Reordering = 1 << 12,

    /// <summary>A disk is a hundred times slower than it was.</summary>
    SlowDisk = 1 << 13,

    /// <summary>A disk completes nothing for seconds.</summary>
    StalledDisk = 1 << 14,

    FullDisk = 1 << 15,

    /// <summary>A sync fails: the process must end.</summary>
    FailedSync = 1 << 16,

    /// <summary>A bit flips where the log was durable: recovery must refuse.</summary>
    BitRot = 1 << 17,

    /// <summary>The process ends in the middle of its recovery.</summary>
    RecoveryCrash = 1 << 18,

    /// <summary>Clocks run at rates within the promised bound.</summary>
    ClockRates = 1 << 19,

    /// <summary>A clock runs up to a fifth too fast or too slow.</summary>
    ClockBeyond = 1 << 20,

    /// <summary>A client is cut off from members, or sees only some.</summary>
    ClientCut = 1 << 21,

    /// <summary>Leadership is handed over.</summary>
    Transfer = 1 << 22,

    /// <summary>The process ends, or the machine loses power, while something is done with a snapshot.</summary>
    CrashAtSnapshot = 1 << 23,

    /// <summary>Members come and go, by way of the leader: learners, promotions, removals, replacements; machines and disks are lost for good, and old ones come back.</summary>
    Membership = 1 << 24,

    /// <summary>A process ends right after it asked its leader for something, and the next one of its member begins at once, perhaps to end likewise.</summary>
    Respawn = 1 << 25,

    /// <summary>A sector of a snapshot's file cannot be read, once.</summary>
    BadSector = 1 << 26,

    All = (1 << 27) - 1,
}

/// <param name="MeanMicros">Mean time between two faults.</param>
public sealed record FaultOptions(FaultKinds Kinds, long MeanMicros)
{
    /// <summary>
    /// Kinds that were drawn and are left out again, to find out which ones a failure needs. They still take their turn, in which nothing happens, so that
    /// the others come when they came.
    /// </summary>
    public FaultKinds Without { get; init; }

    /// <summary>Mean time between two attempts to change the membership.</summary>
    public long MembershipMicros { get; init; } = 1_000_000;

    public bool Has(FaultKinds kind) => (Kinds & ~Without & kind) != 0;

    /// <summary>True for a kind that was drawn, left out or not.</summary>
    public bool Drew(FaultKinds kind) => (Kinds & kind) != 0;
}
