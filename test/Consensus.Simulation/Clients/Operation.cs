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
public sealed record ReadResult(long ViewRevision, string? Value = null, long ModRevision = 0, long Version = 0, string? Holder = null, long Token = 0);

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

    public int Attempts { get; set; }

    /// <summary>The fate of one attempt was not told. When a later one is answered "no effect", that earlier one may still get its effect.</summary>
    public bool HadUnknownAttempt { get; set; }

    /// <summary>Who acquires, as it is told: one name for each operation, so that an answer about a holder says which acquire it was.</summary>
    public string Owner => string.Create(CultureInfo.InvariantCulture, $"c{Client}-{Number}");

    public Key Key => Key.FromText(Object);

    public bool IsOfLock => Kind is OperationKind.Acquire or OperationKind.Renew or OperationKind.Release or OperationKind.ReadLock;

    public bool IsRead => Kind is OperationKind.Read or OperationKind.StaleRead or OperationKind.ReadLock;

    public CommandEnvelope Envelope(LeaseId newLease)
    {
        Command command = Kind switch
        {
            OperationKind.Put => new PutCommand(Key, System.Text.Encoding.UTF8.GetBytes(Value), LeaseId.None, Condition),
            OperationKind.Delete => new DeleteCommand(Key, Condition),
            OperationKind.Acquire => new AcquireLockCommand(Key, Owner, TtlMicros, newLease, LeaseId.None, WaitMicros),
            OperationKind.Renew => new RenewLockCommand(Key, new FencingToken(Token)),
            OperationKind.Release => new ReleaseLockCommand(Key, new FencingToken(Token), Force: false),
            _ => Invariant.Unreachable<Command>(Kind),
        };
        if (!HasIdentity)
        {
            return new CommandEnvelope(command);
        }
        var fingerprint = new byte[16];
        BitConverter.TryWriteBytes(fingerprint, Number);
        return new CommandEnvelope(command, System.Text.Encoding.ASCII.GetBytes(Owner), fingerprint);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"#{Number} c{Client} {Kind} {Object}{(Value.Length > 0 ? "=" + Value : "")}{(Token > 0 ? $" token {Token}" : "")}{ConditionText} [{InvokedAt}..{(ReturnedAt == long.MaxValue ? "" : ReturnedAt)}] {Status} {(object?)Outcome ?? Seen}");

    private string ConditionText => Condition.Kind == KeyConditionKind.None ? "" : $" if {Condition.Kind} {Condition.ModRevision}";
}
