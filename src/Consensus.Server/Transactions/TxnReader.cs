using System.Collections.Immutable;
using Consensus.Api;
using Consensus.Server.Http;
using Consensus.Server.Json;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.Translation;

namespace Consensus.Server.Transactions;

/// <summary>
/// Reads the body of a transaction: <c>{"compare":[…],"success":[…],"failure":[…]}</c>. Whatever is wrong is told with its path, such as <c>success[2].put.key</c>.
/// </summary>
internal static class TxnReader
{
    /// <summary>Null with the refusal when the body is refused.</summary>
    public static TxnCommand? Read(ReadOnlyMemory<byte> body, out Problem? refusal)
    {
        var json = new StrictObjectReader(body);
        var size = new TxnSize();
        ImmutableArray<TxnCompare> compares = [];
        ImmutableArray<TxnOperation> success = [];
        ImmutableArray<TxnOperation> failure = [];
        while (json.NextField())
        {
            if (json.Is("compare"u8, 0))
            {
                compares = ReadCompares(ref json, size);
            }
            else if (json.Is("success"u8, 1))
            {
                success = ReadOperations(ref json, size);
            }
            else if (json.Is("failure"u8, 2))
            {
                failure = ReadOperations(ref json, size);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = size.TooLarge ?? (json.Refusal is { } sentence ? Problem.BadRequest(sentence) : null);
        if (refusal is null && compares.IsEmpty && success.IsEmpty && failure.IsEmpty)
        {
            refusal = Problem.BadRequest("the transaction has no compare and no operation");
        }
        return refusal is null ? new TxnCommand(compares, success, failure) : null;
    }

    private static ImmutableArray<TxnCompare> ReadCompares(ref StrictObjectReader json, TxnSize size)
    {
        var list = ImmutableArray.CreateBuilder<TxnCompare>();
        if (json.EnterArray())
        {
            while (json.NextItem())
            {
                if (size.Count(ref json) && TxnCompareReader.Read(ref json, size) is { } compare)
                {
                    list.Add(compare);
                }
            }
        }
        return list.ToImmutable();
    }

    private static ImmutableArray<TxnOperation> ReadOperations(ref StrictObjectReader json, TxnSize size)
    {
        var list = ImmutableArray.CreateBuilder<TxnOperation>();
        if (json.EnterArray())
        {
            var written = new Dictionary<Key, string>();
            while (json.NextItem())
            {
                if (size.Count(ref json) && TxnOperationReader.Read(ref json, size, written) is { } operation)
                {
                    list.Add(operation);
                }
            }
        }
        return list.ToImmutable();
    }
}

/// <summary>How much of a transaction was read, and whether that is too much.</summary>
internal sealed class TxnSize
{
    private int _parts;

    /// <summary>Set for what is told with 413 instead of 400.</summary>
    public Problem? TooLarge { get; private set; }

    /// <summary>Counts one compare or operation. False when it is one too many.</summary>
    public bool Count(ref StrictObjectReader json)
    {
        if (++_parts > ApiLimits.MaxTxnOperations)
        {
            json.Refuse($"the field \"{json.Path()}\" is one too many: a transaction has at most {ApiLimits.MaxTxnOperations} compares and operations, of both branches together");
        }
        return json.Refusal is null;
    }

    /// <summary>Null with the refusal made when the bytes are no key.</summary>
    public Key? ToKey(ref StrictObjectReader json, byte[]? bytes)
    {
        if (bytes is null || json.Refusal is not null)
        {
            return null;
        }
        var key = Key.Own(bytes);
        return Take(ref json, Names.Judge(key, $"key \"{json.Path()}\"", isText: false)) ? key : null;
    }

    /// <summary>As <see cref="ToKey"/>, for the name of a lock and the like.</summary>
    public Key? ToName(ref StrictObjectReader json)
    {
        if (json.TextBytes() is not { } bytes)
        {
            return null;
        }
        var name = Key.Own(bytes);
        return Take(ref json, Names.Judge(name, $"name \"{json.Path()}\"", isText: true)) ? name : null;
    }

    /// <summary>As <see cref="ToKey"/>, for a prefix, which may be empty.</summary>
    public Key? ToPrefix(ref StrictObjectReader json, byte[]? bytes)
    {
        if (bytes is null || json.Refusal is not null)
        {
            return null;
        }
        var problem = bytes.Length > ApiLimits.MaxKeyBytes
            ? Problem.TooLarge($"the prefix \"{json.Path()}\" has {bytes.Length} bytes; at most {ApiLimits.MaxKeyBytes} are taken")
            : null;
        return Take(ref json, problem) ? Key.Own(bytes) : null;
    }

    /// <summary>As <see cref="ToKey"/>, for a value.</summary>
    public byte[]? ToValue(ref StrictObjectReader json, byte[]? bytes)
    {
        var problem = bytes?.Length > ApiLimits.MaxValueBytes
            ? Problem.TooLarge($"the value \"{json.Path()}\" has {bytes.Length} bytes; at most {ApiLimits.MaxValueBytes} are taken")
            : null;
        return Take(ref json, problem) ? bytes : null;
    }

    private bool Take(ref StrictObjectReader json, Problem? problem)
    {
        if (problem is not null)
        {
            TooLarge ??= json.Refusal is null && problem.Type.Status == StatusCodes.Status413PayloadTooLarge ? problem : null;
            json.Refuse(problem.Detail);
        }
        return problem is null;
    }
}
