using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Api.Watches;

namespace Consensus.Client;

/// <summary>One message of a watch: a closed set. Each revision that has events of the watch is told once, whole, in order.</summary>
/// <param name="Json">The message's data as the API gave it.</param>
public abstract record WatchMessage(string Json);

/// <summary>The first message: from which revision on events are told. A watch of an election that begins with the present leader has none.</summary>
public sealed record WatchOpened(long FromRevision, string Json) : WatchMessage(Json);

/// <summary>All events of the watch of one revision: one of a plain write, several of a transaction, a deleted prefix or the end of a lease.</summary>
/// <param name="Events">In the order in which they were done; <see cref="WatchEventData.Event"/> is <c>put</c> or <c>delete</c> on each.</param>
public sealed record WatchChanges(long Revision, IReadOnlyList<WatchEventData> Events, string Json) : WatchMessage(Json);

/// <summary>An election's leader or its value changed, or nobody leads (<see cref="ElectionEventData.Leader"/> is null).</summary>
public sealed record WatchLeader(ElectionEventData Election, string Json) : WatchMessage(Json);

/// <summary>What something was when this was told; what lasted only until the next message may never have been told.</summary>
/// <param name="Revision">Of the state that it was read from.</param>
public abstract record WatchState(long Revision, string Json) : WatchMessage(Json);

/// <summary>A lock as <see cref="ConsensusApiClient.GetLockAsync(string, System.Threading.CancellationToken)"/> shows it: its holders, how many wait, the last loss and why.</summary>
public sealed record WatchLock(LockAnswer Lock, long Revision, string Json) : WatchState(Revision, Json);

/// <summary>A semaphore, likewise.</summary>
public sealed record WatchSemaphore(SemaphoreAnswer Semaphore, long Revision, string Json) : WatchState(Revision, Json);

/// <summary>A lease with what hangs on it. Its renewals are not told.</summary>
public sealed record WatchLease(LeaseDetailAnswer Lease, long Revision, string Json) : WatchState(Revision, Json);

/// <summary>The last message of a lease: it ended. <see cref="LeaseEndedData.Reason"/> is null when nobody can say why.</summary>
public sealed record WatchLeaseEnded(LeaseEndedData Lease, long Revision, string Json) : WatchState(Revision, Json);

/// <summary>The last message: what comes next is no longer kept. Read what is there at <paramref name="CompactRevision"/> or now, and watch from the revision after it.</summary>
/// <param name="CompactRevision">The oldest revision that can still be read.</param>
public sealed record WatchCompacted(long CompactRevision, string Json) : WatchMessage(Json);
