using System.Globalization;
using Consensus.StateMachine;

namespace Consensus.Server.Hosting;

/// <summary>
/// How much everything that holds payload may have of a process's memory, in one place: half of the memory goes to what this member holds for itself. The rest is for what is
/// replicated, whose bounds are judged in Apply and the same on every member (rule 24), and for the state. docs/architecture.md has the table, and a test adds it up.
/// </summary>
/// <param name="MemoryBytes">That this process may have.</param>
internal sealed record MemoryPlan(long MemoryBytes)
{
    /// <summary>That operators are told to give a member. With less, the budgets do not fit beside the replicated bounds.</summary>
    public const long SmallestBytes = 768L * MiB;

    /// <summary>What the runtime lets the heap have in a container of so much: the rest is for code, stacks and sockets.</summary>
    public const long SmallestHeapBytes = SmallestBytes / 4 * 3;

    private const long MiB = 1 << 20;

    private const long LeastLinkBytes = 8 * MiB;

    /// <summary>Of a cluster of three: its links at each member.</summary>
    private const int UsualLinks = 2;

    /// <summary>On a link of a member, while one is received.</summary>
    private const long FrameBytes = 8 * MiB;

    /// <summary>A frame of the log while it is written, with what it is made of, and two backups.</summary>
    private const long OnTheWayBytes = (8 + 2) * MiB;

    /// <summary>What there must be for keys, leases and holds, and for the runtime itself.</summary>
    private const long LeastRoomBytes = 64 * MiB;

    /// <summary>About what one takes that is only remembered.</summary>
    private const long WithdrawalBytes = 300;

    public static MemoryPlan OfThisProcess => new(ProcessMemory.AvailableBytes);

    /// <summary>Never less than for the fewest connections that a member takes.</summary>
    public long Connections => Math.Max(MemoryBytes, SmallestBytes) / 8;

    public long Streams => Share(16, 4, long.MaxValue / MiB);

    public long UnfinishedBodies => Share(32, 4, 64);

    /// <summary>Clients' commands that no turn has seen.</summary>
    public long InboxRequests => Share(64, 4, 32);

    public long InboxFrames => Share(64, 4, 32);

    /// <summary>A value that waits for its answer is there twice, as its body and within its command.</summary>
    public long Requests => Share(32, 4, 64);

    /// <summary>What is remembered of clients that left.</summary>
    public long GivenUp => Share(256, 1, 16);

    public long ForeignRequests => Share(64, 4, 32);

    public long Uncommitted => Share(64, 4, 64);

    public long Log => Share(16, 16, 256);

    /// <summary>Of one; the largest frame has 4 MiB and one command.</summary>
    public long Link => Share(64, LeastLinkBytes / MiB, 32);

    /// <summary>
    /// Of entries on their way to one follower. A frame of a little more than 1 MiB takes a segment of 2 MiB of its link: more would be dropped there, and found missing only by a
    /// heartbeat.
    /// </summary>
    public long Inflight => Link * 3 / 8;

    public long Answers => Share(32, 8, 128);

    /// <summary>Kept for watches that are behind; and as much again for what their clients do not take.</summary>
    public long WatchMessages => Share(64, 4, 32);

    /// <summary>Records of the audit log that wait for its disk.</summary>
    public long Audit => Share(512, 1, 16);

    /// <summary>What the replicated bounds come to beside keys, leases and holds.</summary>
    public static long ReplicatedOf(Limits limits) =>
        limits.MaxHistoryBytes + limits.MaxIdempotencyBytes + limits.MaxForgottenBytes + limits.MaxBriefBytes + (limits.MaxWithdrawals * WithdrawalBytes);

    /// <summary>All that this member may hold of its own, in a cluster of so many.</summary>
    public long OwnBytes(int members) =>
        Connections + Streams + UnfinishedBodies + InboxRequests + InboxFrames + (2 * Requests) + GivenUp + ForeignRequests + Uncommitted
        + Log + Answers + (2 * WatchMessages) + Audit
        + ((members - 1) * (Link + FrameBytes)) + OnTheWayBytes;

    /// <summary>Whether everything that has a budget can be full at once, with room for a small state beside it.</summary>
    public bool Fits(Limits limits, int members) => OwnBytes(members) + ReplicatedOf(limits) + LeastRoomBytes <= MemoryBytes;

    /// <summary>What an operator is told whose process has too little; null when it has enough.</summary>
    public string? Warning(Limits limits, int members) => Fits(limits, members)
        ? null
        : string.Create(
            CultureInfo.InvariantCulture,
            $"this process may have {MemoryBytes / MiB} MiB of memory, and what it may come to hold for its clients needs {(OwnBytes(members) + ReplicatedOf(limits) + LeastRoomBytes) / MiB} MiB with few keys: large values can end it for want of memory; give it {SmallestHeapFor(limits, members) / MiB} MiB at least, which is what a container of {SmallestHeapFor(limits, members) * 4 / 3 / MiB} MiB gives");

    /// <summary>The least that fits: what it may hold grows by less than the memory does.</summary>
    private static long SmallestHeapFor(Limits limits, int members)
    {
        var heap = SmallestHeapBytes;
        while (!new MemoryPlan(heap).Fits(limits, members))
        {
            heap += MiB;
        }
        return heap;
    }

    /// <summary>
    /// Of which the shares are taken: all of the memory, unless it is so small that what does not shrink with it leaves less than the
    /// shares come to, which are 98 parts of 256, or 90 where links have their least.
    /// </summary>
    private long SharedBytes
    {
        get
        {
            var aside = Connections + (UsualLinks * FrameBytes) + OnTheWayBytes + ReplicatedOf(Limits.Default) + LeastRoomBytes;
            var left = MemoryBytes - aside;
            return Math.Min(MemoryBytes, Math.Min(left * 256 / 98, (left - (UsualLinks * LeastLinkBytes)) * 256 / 90));
        }
    }

    private long Share(int part, long leastMiB, long mostMiB) => Math.Clamp(SharedBytes / part, leastMiB * MiB, mostMiB * MiB);
}
