using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.StateMachine.Commands;

/// <summary>
/// What a log entry asks of the state machine. Conditions are judged in <see cref="ReplicatedState.Apply"/> and nowhere else.
/// A new kind, or a new field of one, waits for the feature level that every member announced (rule 12).
/// </summary>
public abstract record Command;

/// <summary>
/// What is logged: a command with the identity under which its caller may retry it (rule 21). An empty
/// <see cref="IdempotencyKey"/> means that it has none.
/// </summary>
/// <param name="IdempotencyKey">Up to 128 bytes, scoped by the principal.</param>
/// <param name="Fingerprint">16 bytes over method, target, body and conditional headers; empty without a key or a session.</param>
public sealed record CommandEnvelope(Command Command, ReadOnlyMemory<byte> IdempotencyKey = default, ReadOnlyMemory<byte> Fingerprint = default)
{
    /// <summary>
    /// The name of who asks, to whom the identity belongs. It is logged in the entry (rule 11), and not in the command's bytes beside it.
    /// </summary>
    public string Principal { get; init; } = "";

    /// <summary>Instead of an idempotency key.</summary>
    public SessionRequest Session { get; init; }

    /// <summary>It may be asked again under the same identity, by whoever asked.</summary>
    public bool HasIdentity => !IdempotencyKey.IsEmpty || !Session.IsNone;
}

/// <summary>What is logged beside a command, of its identity; see <see cref="CommandEnvelope"/>. A part of the entry's bytes.</summary>
internal readonly record struct LoggedIdentity(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Fingerprint, SessionRequest Session);

/// <summary>The number that the client of a session gave a request, under which that may be asked again (rule 21).</summary>
/// <param name="Session">The session's lease.</param>
/// <param name="Number">At least 1.</param>
/// <param name="Acked">Whatever has a number up to this one, its client knows the answer to or stands in line with; below <paramref name="Number"/>.</param>
public readonly record struct SessionRequest(LeaseId Session, long Number, long Acked)
{
    public bool IsNone => Session.IsNone;
}

/// <summary>What must hold of a key before it is written or deleted.</summary>
public enum KeyConditionKind
{
    None = 0,

    /// <summary>The key exists and was last modified at <see cref="KeyCondition.ModRevision"/> (<c>If-Match: "N"</c>).</summary>
    ModRevisionIs = 1,

    /// <summary>The key does not exist (<c>If-None-Match: *</c>).</summary>
    Absent = 2,

    /// <summary>The key exists (<c>If-Match: *</c>).</summary>
    Exists = 3,
}

public readonly record struct KeyCondition(KeyConditionKind Kind, Revision ModRevision = default)
{
    public static readonly KeyCondition None;
}

/// <param name="Lease">The key is deleted when this lease ends; <see cref="LeaseId.None"/> ties it to nothing.</param>
public sealed record PutCommand(Key Key, ReadOnlyMemory<byte> Value, LeaseId Lease, KeyCondition Condition) : Command;

public sealed record DeleteCommand(Key Key, KeyCondition Condition) : Command;

/// <summary>Deletes every key with the prefix (empty: all keys) in one revision; refused whole when it touches more than 10,000 (rule 9).</summary>
public sealed record DeletePrefixCommand(Key Prefix) : Command;

/// <param name="Id">Random, chosen by the receiving member (rule 17).</param>
public sealed record GrantLeaseCommand(LeaseId Id, long TtlMicros) : Command
{
    /// <summary>With a table of answers: its client numbers its requests.</summary>
    public bool IsSession { get; init; }
}

/// <summary>Renews many leases in one entry; each gets its own result.</summary>
public sealed record RenewLeasesCommand(ImmutableArray<LeaseId> Ids) : Command;

public sealed record RevokeLeaseCommand(LeaseId Id) : Command
{
    /// <summary>Who asked for it, for a person; empty where that is not known. At most some 100 bytes: the member that was asked writes it.</summary>
    public string By { get; init; } = "";
}

/// <summary>
/// Asks for a hold of a lock, of permits of a semaphore, or of the leadership of an election. Free: granted. Not free, or somebody before it in line: queued when
/// <paramref name="WaitMicros"/> &gt; 0, else refused. Exactly one of <paramref name="TtlMicros"/> (a lease of its own named <paramref name="OwnLease"/>, which starts at
/// the grant, rule 4, and ends with its last hold) and <paramref name="SharedLease"/> (an existing lease) is given.
/// </summary>
/// <param name="Owner">Who asks, as the client calls itself (an election's candidate): named at hand-overs and for <see cref="LockDelayMicros"/>.</param>
public sealed record AcquireCommand(
    Key Name,
    string Owner,
    long TtlMicros,
    LeaseId OwnLease,
    LeaseId SharedLease,
    long WaitMicros) : Command
{
    public HoldSpace Space { get; init; }

    public LockMode Mode { get; init; }

    /// <summary>Permits asked for; 1 but for a semaphore.</summary>
    public long Count { get; init; } = 1;

    /// <summary>The semaphore's limit, the same for all who use it at a time; 0 elsewhere.</summary>
    public long Permits { get; init; }

    /// <summary>Should this hold be lost, nobody but the same owner is granted anything for that long.</summary>
    public long LockDelayMicros { get; init; }

    /// <summary>The hold is lost at the latest so long after its grant, however often it is renewed; 0: never.</summary>
    public long MaxHoldMicros { get; init; }

    /// <summary>JSON as the caller gave it, shown with the hold; at most <see cref="Limits.MaxMetadataBytes"/>.</summary>
    public ReadOnlyMemory<byte> Metadata { get; init; }

    /// <summary>An election's value: what its leader proclaims, UTF-8.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }

    public ObjectName Object => new(Space, Name);
}

/// <summary>
/// Takes exclusive holds of all the locks in one step, or of none; one lease for all (as for <see cref="AcquireCommand"/>). Not all free, or
/// somebody before it in one of the lines: queued in the line of each when <see cref="WaitMicros"/> &gt; 0, else refused.
/// </summary>
/// <param name="Names">At least one, no two alike.</param>
public sealed record AcquireManyCommand(ImmutableArray<Key> Names, string Owner, long TtlMicros, LeaseId OwnLease, LeaseId SharedLease) : Command
{
    public long WaitMicros { get; init; }

    public long LockDelayMicros { get; init; }

    public long MaxHoldMicros { get; init; }

    public ReadOnlyMemory<byte> Metadata { get; init; }
}

/// <summary>Renews the whole lease of the hold with this token (rule 22).</summary>
public sealed record RenewHoldCommand(Key Name, FencingToken Token) : Command
{
    public HoldSpace Space { get; init; }

    /// <summary>An election's new value; null leaves it. A value that differs is a write: it takes a revision and is seen by observers.</summary>
    public ReadOnlyMemory<byte>? Value { get; init; }

    public ObjectName Object => new(Space, Name);
}

/// <param name="Force">Breaks whatever holds there are; <paramref name="Token"/> is ignored when it is 0, else must match a present hold.</param>
public sealed record ReleaseHoldCommand(Key Name, FencingToken Token, bool Force) : Command
{
    public HoldSpace Space { get; init; }

    /// <summary>As of <see cref="RevokeLeaseCommand"/>: who breaks it by force.</summary>
    public string By { get; init; } = "";

    public ObjectName Object => new(Space, Name);
}

/// <summary>The holder passes its hold to the first waiter of the named owner, past those who wait before it: release and grant in one step.</summary>
public sealed record HandOverCommand(Key Name, FencingToken Token, string To) : Command
{
    public HoldSpace Space { get; init; }

    public ObjectName Object => new(Space, Name);
}

/// <summary>Changes the limit of a semaphore that is in use, never to less than what is held or kept back of it.</summary>
/// <param name="Permits">At least 1.</param>
public sealed record ChangePermitsCommand(Key Name, long Permits) : Command;

/// <summary>
/// The request that waits for (or was just granted) this lock is gone: takes it out of every queue, or gives the hold back when
/// it was granted to that very request and is still held (rule 18), with what else it was granted after it in the same step.
/// </summary>
/// <param name="Reason">What the waiting request is told.</param>
public sealed record CancelWaitCommand(Key Name, RequestId Request, CancelReason Reason) : Command
{
    public HoldSpace Space { get; init; }

    public ObjectName Object => new(Space, Name);

    public static CancelWaitCommand Of(ObjectName name, RequestId request, CancelReason reason) => new(name.Name, request, reason) { Space = name.Space };
}

public enum CancelReason
{
    /// <summary>The client's connection closed.</summary>
    Disconnected = 0,

    /// <summary>The receiving member stops. What was granted before stays granted: the member still answers it.</summary>
    Stopping = 1,
}

/// <summary>
/// Ends every lease and every wait whose deadline is at or before the entry's own stamp, oldest deadline first, touching at
/// most 500 objects, or one lease with all that it carries (rules 2, 9). It goes on with what entries before it left over: waiters of lost
/// processes that are not detached yet, and grants. The leader proposes it when <see cref="ReplicatedState.NextDeadline"/> is due, again
/// while more is due.
/// </summary>
public sealed record ExpireCommand : Command;

/// <summary>
/// A new leader tells for how long it had heard of none: cluster time does not count that, and whoever lost something meanwhile is told of it.
/// </summary>
/// <param name="At">When it became leader.</param>
/// <param name="Micros">On its own clock, since it heard a leader last; since its start where it never did.</param>
public sealed record NoteLeaderlessCommand(ClusterTime At, long Micros) : Command;

/// <summary>
/// The leader lost the member (process <paramref name="Boot"/>) two seconds ago: the waiters of that process keep their place, ungranted, for 10 s or to
/// their own deadline (rule 18). Those of its next one, which may be there when this is applied, are not touched. They are granted nothing
/// from this entry on; where they are more than it may touch (rule 9), the others are detached by the expiries that follow.
/// </summary>
public sealed record DetachWaitersCommand(MemberId Member, long Boot) : Command;

/// <summary>Keeps the places of the given waiting requests while their member stops cleanly (rule 30); as detach, for single requests.</summary>
public sealed record DetachRequestsCommand(ImmutableArray<RequestId> Requests) : Command;

/// <summary>
/// A member tells, when it starts, who it is now. A new boot number detaches the waiters of its earlier processes, as
/// <see cref="DetachWaitersCommand"/> does. Addresses live
/// in the log (rule 7); the feature level in force is the lowest of all announced.
/// </summary>
public sealed record AnnounceMemberCommand(
    MemberId Member,
    string Name,
    long Boot,
    string ClientUrl,
    string PeerAddress,
    string Version,
    int FeatureLevel) : Command
{
    /// <summary>What the settings are to be, should the cluster have none yet: all of them. The first announcement of a cluster decides; those of later ones are not looked at.</summary>
    public ImmutableArray<SettingValue> Settings { get; init; } = [];

    /// <summary>
    /// To whom the role <c>admin</c> is bound, should this be the first announcement of a cluster: then rights are judged from here on, as
    /// <see cref="EnableAuthCommand"/> has it. Empty: they
    /// are not, until somebody asks for it.
    /// </summary>
    public string FirstAdmin { get; init; } = "";
}

/// <summary>Changes a setting: an operator's act. Refused outside its range.</summary>
public sealed record PutSettingCommand(Setting Setting, long Value) : Command;

/// <summary>
/// A member was removed from the cluster: its waiters are detached, as by <see cref="DetachWaitersCommand"/>, and what it announced is
/// forgotten.
/// </summary>
public sealed record ForgetMemberCommand(MemberId Member) : Command;

/// <summary>
/// Raises the resource's high-water mark of fencing tokens, or refuses a token below it (rule 23). A token above the present revision cannot have been granted and is
/// refused: one bad number would lock everyone out for ever.
/// </summary>
public sealed record FenceCommand(Key Resource, FencingToken Token) : Command;

/// <summary>Forgets a fence: an operator's act.</summary>
public sealed record ResetFenceCommand(Key Resource) : Command;

/// <summary>
/// Forgets the history up to and including this revision (rule 28), as much of it as one command may touch; the leader proposes the rest again.
/// The present state is untouched.
/// </summary>
public sealed record CompactCommand(Revision UpTo) : Command;
