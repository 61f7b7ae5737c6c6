using System.Collections.Immutable;
using Consensus.Primitives;

namespace Consensus.StateMachine.Commands;

/// <summary>
/// All compares are judged on the state before the transaction; if all hold, the operations of <paramref name="Success"/> are done in their order, else those of
/// <paramref name="Failure"/>: all of them, in one revision, or none.
/// </summary>
public sealed record TxnCommand(
    ImmutableArray<TxnCompare> Compares,
    ImmutableArray<TxnOperation> Success,
    ImmutableArray<TxnOperation> Failure) : Command;

/// <summary>What of a key is compared. The numbers are in the log.</summary>
public enum CompareTarget
{
    /// <summary>0 for a key that does not exist, as are the revisions and the lease.</summary>
    Version = 1,
    CreateRevision = 2,
    ModRevision = 3,

    /// <summary>Bytes, compared as bytes; a key that does not exist has no value: only "!=" holds.</summary>
    Value = 4,
    Lease = 5,

    /// <summary>1 when the key exists, else 0.</summary>
    Exists = 6,

    /// <summary>1 while the hold of the named object with the fencing token <see cref="TxnCompare.Number"/> is current: "=" guards a write, "!=" asks for its end.</summary>
    Hold = 7,
}

public enum CompareOperator
{
    Equal = 1,
    NotEqual = 2,
    Less = 3,
    Greater = 4,
}

/// <param name="Name">The key, or the name of the lock, semaphore or election.</param>
/// <param name="Number">The operand, for all targets but <see cref="CompareTarget.Value"/>; for a hold its token.</param>
/// <param name="Value">The operand for <see cref="CompareTarget.Value"/>.</param>
/// <param name="Space">For <see cref="CompareTarget.Hold"/>: what the name names.</param>
public sealed record TxnCompare(
    CompareTarget Target,
    CompareOperator Operator,
    Key Name,
    long Number,
    ReadOnlyMemory<byte> Value = default,
    HoldSpace Space = HoldSpace.Lock);

public abstract record TxnOperation;

public sealed record TxnPut(Key Key, ReadOnlyMemory<byte> Value, LeaseId Lease) : TxnOperation;

/// <param name="IsPrefix">Every key with the prefix; empty: all keys.</param>
public sealed record TxnDelete(Key Key, bool IsPrefix) : TxnOperation;

/// <param name="Limit">Items of a prefix at most; 0: the most that an answer may have.</param>
public sealed record TxnGet(Key Key, bool IsPrefix, long Limit) : TxnOperation;
