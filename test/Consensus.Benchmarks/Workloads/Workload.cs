namespace Consensus.Benchmarks.Workloads;

/// <summary>What the clients do, in both systems alike.</summary>
internal enum Workload
{
    /// <summary>Writes a random one of the filled keys.</summary>
    Put,

    /// <summary>Reads a random one of the filled keys, linearizably.</summary>
    Get,

    /// <summary>Replaces the client's own key on condition of its modification revision.</summary>
    CompareAndSet,

    /// <summary>Takes and releases the client's own lock; one operation is the whole cycle.</summary>
    Lock,

    /// <summary>Takes and releases one lock that all clients want, waiting in its queue; one operation is a hand-over.</summary>
    ContendedLock,

    /// <summary>Reads a random one of the filled keys from the asked member's own copy.</summary>
    StaleGet,

    /// <summary>Nine linearizable gets to one put, each of a random one of the filled keys.</summary>
    Mixed,

    /// <summary>Renews the client's own lease.</summary>
    Renew,

    /// <summary>Campaigns in one election that all clients want to win, and resigns; one operation is a change of the leader.</summary>
    Election,

    /// <summary>A third of the clients puts, a third gets, and a third takes and releases locks, each with all members.</summary>
    Blend,
}

internal static class WorkloadNames
{
    public static readonly IReadOnlyList<Workload> All =
        [Workload.Put, Workload.Get, Workload.CompareAndSet, Workload.Lock, Workload.ContendedLock, Workload.StaleGet, Workload.Mixed, Workload.Renew, Workload.Election];

    /// <summary>What a client of <see cref="Workload.Blend"/> does. Neighbours talk to different members, so the part changes with every third of them.</summary>
    public static Workload PartOfBlend(int client) => (client / 3 % 3) switch
    {
        0 => Workload.Put,
        1 => Workload.Get,
        _ => Workload.Lock,
    };

    /// <summary>The name on the command line, in the table and in the raw results.</summary>
    public static string NameOf(Workload workload) => workload switch
    {
        Workload.Put => "put",
        Workload.Get => "get",
        Workload.CompareAndSet => "cas",
        Workload.Lock => "lock",
        Workload.ContendedLock => "contended",
        Workload.StaleGet => "stale",
        Workload.Mixed => "mixed",
        Workload.Renew => "renew",
        Workload.Election => "election",
        Workload.Blend => "blend",
        _ => throw new ArgumentOutOfRangeException(nameof(workload)),
    };
}
