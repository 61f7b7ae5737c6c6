using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Transactions;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

/// <summary>Transactions of the contract as commands, and their results as answers.</summary>
internal static class TxnTranslation
{
    /// <summary>Null when the request is refused.</summary>
    public static TxnCommand? ToCommand(TxnRequest request, out ApiProblem? refusal)
    {
        try
        {
            refusal = null;
            var command = new TxnCommand(
                [.. (request.Compare ?? []).Select(ToCompare)], Operations(request.Success ?? []), Operations(request.Failure ?? []));
            return command.Compares.Length + command.Success.Length + command.Failure.Length <= ApiLimits.MaxTxnOperations
                ? command
                : throw new RefusedException($"a transaction has {ApiLimits.MaxTxnOperations} compares and operations at most");
        }
        catch (RefusedException refused)
        {
            refusal = Refusals.BadRequest(refused.Message);
            return null;
        }
    }

    public static TxnAnswer ToAnswer(TxnDone done) => new(done.Succeeded, done.Revision.Value, [.. done.Results.Select(ToAnswer)]);

    private static TxnResultAnswer ToAnswer(TxnResult result) => result switch
    {
        TxnPutResult put => new TxnResultAnswer { Put = KeyAnswers.OfPut(put.Key, put.CreateRevision, put.ModRevision, put.Version, put.Lease) },
        TxnDeleteResult delete => new TxnResultAnswer { Delete = new TxnDeletedAnswer(delete.Deleted) },
        TxnGetResult get => new TxnResultAnswer
        {
            Get = new TxnItemsAnswer { Items = [.. get.Items.Select(item => KeyAnswers.Of(item.Key, item.Record))], Count = get.Count },
        },
        TxnGetNotKept => new TxnResultAnswer { Get = new TxnItemsAnswer { Omitted = true } },
        _ => Invariant.Unreachable<TxnResultAnswer>(result),
    };

    private static ImmutableArray<TxnOperation> Operations(IReadOnlyList<TxnOperationRequest> requests)
    {
        var written = new HashSet<Key>();
        var operations = ImmutableArray.CreateBuilder<TxnOperation>();
        foreach (var request in requests)
        {
            var operation = ToOperation(request);
            Key? key = operation is TxnPut put ? put.Key : operation is TxnDelete { IsPrefix: false } delete ? delete.Key : null;
            if (key is { } one && !written.Add(one))
            {
                throw new RefusedException($"the transaction writes the key \"{one}\" twice");
            }
            operations.Add(operation);
        }
        return operations.ToImmutable();
    }

    private static TxnOperation ToOperation(TxnOperationRequest request) => request switch
    {
        { Put: { } put, Delete: null, Get: null } => new TxnPut(
            Bytes(put.Key, put.KeyBase64, "key"), Value(put.Value, put.ValueBase64), Lease(put.Lease)),
        { Put: null, Delete: { } delete, Get: null } => ToDelete(delete),
        { Put: null, Delete: null, Get: { } get } => ToGet(get),
        _ => throw new RefusedException("an operation has not exactly one of \"put\", \"delete\" and \"get\""),
    };

    private static TxnDelete ToDelete(TxnDeleteRequest delete)
    {
        var (key, isPrefix) = Target(delete.Key, delete.KeyBase64, delete.Prefix, delete.PrefixBase64);
        return new TxnDelete(key, isPrefix);
    }

    private static TxnGet ToGet(TxnGetRequest get)
    {
        var (key, isPrefix) = Target(get.Key, get.KeyBase64, get.Prefix, get.PrefixBase64);
        return (get.Limit, isPrefix) switch
        {
            (null, _) => new TxnGet(key, isPrefix, 0),
            ( >= 1 and <= ApiLimits.MaxTxnGetItems, true) => new TxnGet(key, isPrefix, get.Limit.Value),
            _ => throw new RefusedException($"\"limit\" belongs to a prefix and is 1 to {ApiLimits.MaxTxnGetItems}"),
        };
    }

    private static TxnCompare ToCompare(TxnCompareRequest request)
    {
        var with = request.Op switch
        {
            null or "=" => CompareOperator.Equal,
            "!=" => CompareOperator.NotEqual,
            "<" => CompareOperator.Less,
            ">" => CompareOperator.Greater,
            _ => throw new RefusedException("\"op\" is one of =, !=, < and >"),
        };
        var isOrder = with is CompareOperator.Less or CompareOperator.Greater;
        (string Name, HoldSpace Space)? hold = request switch
        {
            { Lock: { } name, Semaphore: null, Election: null } => (name, HoldSpace.Lock),
            { Lock: null, Semaphore: { } name, Election: null } => (name, HoldSpace.Semaphore),
            { Lock: null, Semaphore: null, Election: { } name } => (name, HoldSpace.Election),
            { Lock: null, Semaphore: null, Election: null } => null,
            _ => throw new RefusedException("a compare names one thing"),
        };
        if (hold is { } held)
        {
            return request is { FencingToken: { } token, Key: null, KeyBase64: null, Target: null, Operand: null, OperandBase64: null } && !isOrder
                ? new TxnCompare(CompareTarget.Hold, with, Key.Own(Utf8(held.Name)), token, default, held.Space)
                : throw new RefusedException("a compare of a hold has its \"fencingToken\", and \"=\" or \"!=\"");
        }
        var key = Bytes(request.Key, request.KeyBase64, "key");
        return request.Target switch
        {
            "version" => new TxnCompare(CompareTarget.Version, with, key, Number(request)),
            "createRevision" => new TxnCompare(CompareTarget.CreateRevision, with, key, Number(request)),
            "modRevision" => new TxnCompare(CompareTarget.ModRevision, with, key, Number(request)),
            "value" => new TxnCompare(CompareTarget.Value, with, key, 0, Value(Operand(request, JsonValueKind.String)?.GetString(), request.OperandBase64)),
            "lease" when !isOrder => new TxnCompare(
                CompareTarget.Lease, with, key, Lease(Operand(request, JsonValueKind.String, JsonValueKind.Null)?.GetString()).Value),
            "exists" when !isOrder => new TxnCompare(
                CompareTarget.Exists, with, key, Operand(request, JsonValueKind.True, JsonValueKind.False) is { ValueKind: JsonValueKind.True } ? 1 : 0),
            _ => throw new RefusedException("\"target\" is one of version, createRevision, modRevision, value, lease and exists, the last two with = and !="),
        };
    }

    private static long Number(TxnCompareRequest request) =>
        Operand(request, JsonValueKind.Number) is { } number && number.TryGetInt64(out var value) && value >= 0
            ? value
            : throw new RefusedException("\"operand\" is a whole number from 0 up");

    /// <summary>Null when it is not given.</summary>
    private static JsonElement? Operand(TxnCompareRequest request, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (request.Operand is not { } raw)
        {
            return null;
        }
        using var document = JsonDocument.Parse(raw.Text);
        var element = document.RootElement.Clone();
        return kinds.Contains(element.ValueKind) ? element : throw new RefusedException("\"operand\" is of the wrong kind");
    }

    private static (Key Key, bool IsPrefix) Target(string? key, string? keyBase64, string? prefix, string? prefixBase64) =>
        prefix is not null || prefixBase64 is not null
            ? key is null && keyBase64 is null
                ? (Key.Own(Value(prefix, prefixBase64)), true)
                : throw new RefusedException("an operation has not exactly one of \"key\" and \"prefix\"")
            : (Bytes(key, keyBase64, "key"), false);

    private static Key Bytes(string? text, string? base64, string what)
    {
        var key = Key.Own(Value(text, base64));
        return key.Length is 0 or > ApiLimits.MaxKeyBytes ? throw new RefusedException($"a {what} has 1 to {ApiLimits.MaxKeyBytes} bytes") : key;
    }

    private static byte[] Value(string? text, string? base64)
    {
        try
        {
            return (text, base64) switch
            {
                ({ }, null) => Utf8(text),
                (null, { }) => Convert.FromBase64String(base64),
                _ => throw new RefusedException("not exactly one of a text and its base 64 form is given"),
            };
        }
        catch (FormatException)
        {
            throw new RefusedException("what should be base 64 is not");
        }
    }

    private static byte[] Utf8(string text)
    {
        WellFormed.Text(text, "transaction");
        return Encoding.UTF8.GetBytes(text);
    }

    private static LeaseId Lease(string? text) =>
        text is null ? LeaseId.None : LeaseId.TryParse(text, out var id) ? id : throw new RefusedException("\"lease\" is not a lease id");

    private sealed class RefusedException(string sentence) : Exception(sentence);
}
