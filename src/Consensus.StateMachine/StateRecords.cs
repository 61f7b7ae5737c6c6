using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

/// <summary>One key as it is stored.</summary>
public sealed record KeyRecord(ReadOnlyMemory<byte> Value, Revision CreateRevision, Revision ModRevision, long Version, LeaseId Lease);

/// <summary>A key with its record, as listed.</summary>
public readonly record struct KeyItem(Key Key, KeyRecord Record);

/// <param name="Deadline">In cluster time; informs only (rule 4).</param>
/// <param name="Keys">At most 100 of the keys it carries; <paramref name="KeyCount"/> is the whole number.</param>
/// <param name="Locks">At most 100 of the locks it holds; <paramref name="LockCount"/> is the whole number.</param>
public sealed record LeaseInfo(LeaseId Id, long TtlMicros, ClusterTime Deadline, ImmutableArray<Key> Keys, long KeyCount, ImmutableArray<Key> Locks, long LockCount);

/// <param name="Position">1 for the next in line.</param>
public sealed record WaiterInfo(string Owner, long Position, ClusterTime WaitDeadline, bool Detached);

/// <summary>A lock as it is shown; an unknown name is an unheld lock.</summary>
/// <param name="Waiters">At most 100; <paramref name="WaiterCount"/> is the whole number.</param>
public sealed record LockInfo(Key Name, Hold? Holder, ImmutableArray<WaiterInfo> Waiters, long WaiterCount, LockLoss? LastLoss);

/// <summary>A member as it last announced itself.</summary>
public sealed record MemberInfo(MemberId Id, string Name, long Boot, string ClientUrl, string PeerAddress, string Version, int FeatureLevel);

public readonly record struct StateCounts(long Keys, long Leases, long LocksHeld, long Waiters, long IdempotencyKeys, long StateBytes);
