using System.Globalization;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

public enum OperationKind
{
    Put,
    Delete,
    Read,
    StaleRead,
    Acquire,
    Renew,
    Release,
    ReadLock,

    Transaction,

    /// <summary>All keys of transactions, now or in the past.</summary>
    ReadKeys,
    AcquireHold,
    AcquireMany,
    RenewHold,

    /// <summary>With a token the holder's own; without one an operator breaks what holds there are.</summary>
    ReleaseHold,
    HandOver,
    ReadHold,
    GrantLease,
    RenewLeases,
    RevokeLease,
    Fence,
    ResetFence,
    ReadFence,

    /// <summary>Takes another operation back, whose fate its client does not know.</summary>
    Withdraw,

    /// <summary>An operator gives a semaphore another limit.</summary>
    ChangePermits,

    /// <summary>An operator changes a bound of the cluster.</summary>
    PutSetting,

    /// <summary>Has a number of a session settled, of which its client does not know what came of it.</summary>
    Settle,
}

public enum OperationStatus
{
    /// <summary>Under way.</summary>
    Open,

    /// <summary>Answered.</summary>
    Done,

    /// <summary>It had no effect and never will: so the answer said.</summary>
    NotDone,

    /// <summary>It may or may not have had, or still get, its effect.</summary>
    Unknown,
}

/// <summary>What a read saw.</summary>
/// <param name="Value">Null for a key that does not exist.</param>
/// <param name="Holder">Null for a lock that nobody holds.</param>
/// <param name="Token">Of the hold; the highest of a fence.</param>
public sealed record ReadResult(long ViewRevision, string? Value = null, long ModRevision = 0, long Version = 0, string? Holder = null, long Token = 0)
{
    /// <summary>What <see cref="OperationKind.ReadKeys"/> saw; null when it asked for a revision that is forgotten, or not there yet.</summary>
    public IReadOnlyList<KeyItem>? Items { get; init; }

    /// <summary>Up to where the history is forgotten.</summary>
    public long CompactRevision { get; init; }

    /// <summary>Who holds what <see cref="OperationKind.ReadHold"/> looked at; null when only the first was looked at.</summary>
    public IReadOnlyList<Hold>? Holders { get; init; }

    /// <summary>The limit of a semaphore in use, else 0.</summary>
    public long Permits { get; init; }

    /// <summary>Owners that wait for what <see cref="OperationKind.ReadHold"/> looked at, in their order.</summary>
    public IReadOnlyList<string>? Waiters { get; init; }

    /// <summary>What the renewal of a session told beside itself; <see cref="ViewRevision"/> is of the state that it tells of.</summary>
    public SessionNews? News { get; init; }
}

/// <summary>One operation of a client, from its first attempt to its last answer. True times in microseconds.</summary>
public sealed class Operation
{
    /// <summary>Unique in a run.</summary>
    public required long Number { get; init; }

    public required int Client { get; init; }

    public required OperationKind Kind { get; init; }

    /// <summary>Name of the key or lock.</summary>
    public required string Object { get; init; }

    /// <summary>What is put: no two operations put the same.</summary>
    public string Value { get; init; } = "";

    public KeyCondition Condition { get; init; }

    public long TtlMicros { get; init; }

    public long WaitMicros { get; init; }

    public long Token { get; init; }

    /// <summary>What is asked, for the kinds behind <see cref="OperationKind.ReadLock"/>; the id of a lease of its own comes from the member. Null for reads.</summary>
    public Command? Command { get; init; }

    /// <summary>The lock, semaphore or election of those kinds.</summary>
    public ObjectName Name { get; init; }

    /// <summary>For <see cref="OperationKind.ReadKeys"/>: as they were then; 0 for now.</summary>
    public Revision AtRevision { get; init; }

    /// <summary>What a <see cref="OperationKind.Withdraw"/> takes back.</summary>
    public Operation? Withdraws { get; init; }

    /// <summary>What a <see cref="OperationKind.Settle"/> has settled.</summary>
    public Operation? Settles { get; init; }

    /// <summary>The version since which the renewal of a session asks for news; null for one that asks for none.</summary>
    public long? NewsSince { get; init; }

    /// <summary>Under which name it holds what it is granted; null for one that can be granted nothing.</summary>
    public string? HoldsAs => Command switch
    {
        AcquireCommand one => one.Owner,
        AcquireManyCommand many => many.Owner,
        null when Kind == OperationKind.Acquire => Owner,
        _ => null,
    };

    /// <summary>The number under which it is asked in a session; none outside one.</summary>
    public SessionRequest Session { get; init; }

    /// <summary>Retried under one idempotency key; without one, an attempt whose fate is unknown is the last.</summary>
    public bool HasIdentity { get; init; }

    public long InvokedAt { get; set; }

    /// <summary>What the client's clock showed at <see cref="InvokedAt"/>.</summary>
    public long InvokedClock { get; set; }

    /// <summary><see cref="long.MaxValue"/> for one that has no answer.</summary>
    public long ReturnedAt { get; set; } = long.MaxValue;

    public OperationStatus Status { get; set; }

    public Outcome? Outcome { get; set; }

    public ReadResult? Seen { get; set; }

    /// <summary>The attempt that <see cref="Outcome"/> is the answer of.</summary>
    public RequestId AnsweredRequest { get; set; }

    /// <summary>Attempts that a member answered as not done.</summary>
    public List<RequestId> NotDone { get; } = [];

    /// <summary>What more attempts under its identity were answered after it was over: answered, or withdrawn.</summary>
    public List<Outcome> ToldAgain { get; } = [];

    public int Attempts { get; set; }

    /// <summary>When its client was first told that it has a place in line; null when it never was.</summary>
    public long? QueuedAt { get; set; }

    /// <summary>The fate of one attempt was not told. When a later one is answered "no effect", that earlier one may still get its effect.</summary>
    public bool HadUnknownAttempt { get; set; }

    /// <summary>Who acquires, as it is told: one name for each operation, so that an answer about a holder says which acquire it was.</summary>
    public string Owner => string.Create(CultureInfo.InvariantCulture, $"c{Client}-{Number}");

    public Key Key => Key.FromText(Object);

    public bool IsOfLock => Kind is OperationKind.Acquire or OperationKind.Renew or OperationKind.Release or OperationKind.ReadLock;

    public bool IsOfHold => Kind is OperationKind.AcquireHold or OperationKind.AcquireMany or OperationKind.RenewHold or OperationKind.ReleaseHold or OperationKind.HandOver
        or OperationKind.ReadHold;

    public bool IsOfFence => Kind is OperationKind.Fence or OperationKind.ResetFence or OperationKind.ReadFence;

    /// <summary>Of a plain key or an exclusive lock.</summary>
    public bool IsPlain => Kind <= OperationKind.ReadLock;

    public bool IsRead => Kind is OperationKind.Read or OperationKind.StaleRead or OperationKind.ReadLock or OperationKind.ReadKeys or OperationKind.ReadHold
        or OperationKind.ReadFence;

    /// <summary>What its answer says that it holds.</summary>
    public IEnumerable<Hold> Holds => IsPlain ? [] : Outcome switch
    {
        HoldGranted granted => [granted.Hold],
        ManyGranted many => many.Holds,
        _ => [],
    };

    /// <summary>Leases that its answer gave or renewed, and how long they live in microseconds, counted from its first sending (rule 3).</summary>
    public IEnumerable<(LeaseId Lease, long Micros)> Promises => (IsPlain ? null : Outcome) switch
    {
        HoldGranted granted when Command is AcquireCommand { SharedLease.IsNone: true } one => [(granted.Hold.Lease, one.TtlMicros + granted.WaitedMicros)],
        ManyGranted many when Command is AcquireManyCommand { SharedLease.IsNone: true } several => [(many.Holds[0].Lease, several.TtlMicros + many.WaitedMicros)],
        HoldRenewed renewed => [(renewed.Hold.Lease, renewed.Hold.TtlMicros)],
        LeaseGranted granted => [(granted.Id, granted.TtlMicros)],
        LeasesRenewed renewed => renewed.Renewals.Where(renewal => renewal.Alive).Select(renewal => (renewal.Id, renewal.TtlMicros)),
        _ => [],
    };

    public CommandEnvelope Envelope(LeaseId newLease)
    {
        Command command = Command switch
        {
            AcquireCommand { SharedLease.IsNone: true } one => one with { OwnLease = newLease },
            AcquireManyCommand { SharedLease.IsNone: true } many => many with { OwnLease = newLease },
            GrantLeaseCommand grant => grant with { Id = newLease },
            { } other => other,
            null => PlainCommand(newLease),
        };
        if (!HasIdentity)
        {
            return new CommandEnvelope(command);
        }
        var fingerprint = new byte[16];
        BitConverter.TryWriteBytes(fingerprint, Number);
        return new CommandEnvelope(command, System.Text.Encoding.ASCII.GetBytes(Owner), fingerprint);
    }

    private Command PlainCommand(LeaseId newLease) => Kind switch
    {
        OperationKind.Put => new PutCommand(Key, System.Text.Encoding.UTF8.GetBytes(Value), LeaseId.None, Condition),
        OperationKind.Delete => new DeleteCommand(Key, Condition),
        OperationKind.Acquire => new AcquireCommand(Key, Owner, TtlMicros, newLease, LeaseId.None, WaitMicros),
        OperationKind.Renew => new RenewHoldCommand(Key, new FencingToken(Token)),
        OperationKind.Release => new ReleaseHoldCommand(Key, new FencingToken(Token), Force: false),
        _ => Invariant.Unreachable<Command>(Kind),
    };

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"#{Number} c{Client} {Kind} {Object}{(Value.Length > 0 ? "=" + Value : "")}{(Token > 0 ? $" token {Token}" : "")}{ConditionText}{(Command is null ? "" : $" {CommandText.Of(Command)}")}{(AtRevision.Value > 0 ? $" at {AtRevision}" : "")} [{InvokedAt}..{(ReturnedAt == long.MaxValue ? "" : ReturnedAt)}] {Status} {(Outcome is { } outcome ? Checkers.Histories.OutcomeText.Of(outcome) : Seen)}");

    private string ConditionText => Condition.Kind == KeyConditionKind.None ? "" : $" if {Condition.Kind} {Condition.ModRevision}";
}
