using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Json;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.Translation;

namespace Consensus.Server.Transactions;

/// <summary>Reads one operation: an object with exactly one of <c>put</c>, <c>delete</c> and <c>get</c>.</summary>
internal static class TxnOperationReader
{
    /// <param name="written">Keys that the branch writes so far, with the path of the operation that does.</param>
    public static TxnOperation? Read(ref StrictObjectReader json, TxnSize size, Dictionary<Key, string> written)
    {
        var path = json.Path();
        if (!json.EnterObject())
        {
            json.Wrong("an object with one of \"put\", \"delete\" and \"get\"");
            return null;
        }
        TxnOperation? operation = null;
        var count = 0;
        while (json.NextField())
        {
            count++;
            if (json.Is("put"u8, 0))
            {
                operation = ReadPut(ref json, size);
            }
            else if (json.Is("delete"u8, 1))
            {
                operation = ReadTarget(ref json, size, takesLimit: false, out var target, out _) ? new TxnDelete(target.Key, target.IsPrefix) : null;
            }
            else if (json.Is("get"u8, 2))
            {
                operation = ReadTarget(ref json, size, takesLimit: true, out var target, out var limit) ? new TxnGet(target.Key, target.IsPrefix, limit) : null;
            }
            else
            {
                json.Unknown();
            }
        }
        if (count != 1 || operation is null)
        {
            json.Refuse($"the field \"{path}\" has not exactly one of \"put\", \"delete\" and \"get\"");
            return null;
        }
        RefuseTwice(ref json, operation, path, written);
        return json.Refusal is null ? operation : null;
    }

    private static TxnPut? ReadPut(ref StrictObjectReader json, TxnSize size)
    {
        var path = json.Path();
        if (!json.EnterObject())
        {
            return null;
        }
        Key? key = null;
        byte[]? value = null;
        var lease = LeaseId.None;
        var (keys, values) = (0, 0);
        while (json.NextField())
        {
            if (json.IsBytes("key"u8, "keyBase64"u8, 0, out var bytes))
            {
                keys++;
                key = size.ToKey(ref json, bytes);
            }
            else if (json.IsBytes("value"u8, "valueBase64"u8, 2, out bytes))
            {
                values++;
                value = size.ToValue(ref json, bytes);
            }
            else if (json.Is("lease"u8, 4))
            {
                lease = json.Lease() ?? LeaseId.None;
            }
            else
            {
                json.Unknown();
            }
        }
        if (keys != 1 || key is null)
        {
            json.Refuse($"the field \"{path}\" has not exactly one of \"key\" and \"keyBase64\"");
        }
        if (values != 1 || value is null)
        {
            json.Refuse($"the field \"{path}\" has not exactly one of \"value\" and \"valueBase64\"");
        }
        return json.Refusal is null ? new TxnPut(key!.Value, value, lease) : null;
    }

    private static bool ReadTarget(ref StrictObjectReader json, TxnSize size, bool takesLimit, out (Key Key, bool IsPrefix) target, out long limit)
    {
        target = default;
        limit = 0;
        var path = json.Path();
        if (!json.EnterObject())
        {
            return false;
        }
        (Key Key, bool IsPrefix)? found = null;
        var count = 0;
        while (json.NextField())
        {
            count++;
            if (json.IsBytes("key"u8, "keyBase64"u8, 0, out var bytes))
            {
                found = Found(size.ToKey(ref json, bytes), isPrefix: false);
            }
            else if (json.IsBytes("prefix"u8, "prefixBase64"u8, 2, out bytes))
            {
                found = Found(size.ToPrefix(ref json, bytes), isPrefix: true);
            }
            else if (takesLimit && json.Is("limit"u8, 4))
            {
                count--;
                limit = json.Number(1, ApiLimits.MaxTxnGetItems) ?? 0;
            }
            else
            {
                json.Unknown();
            }
        }
        if (count != 1 || found is null)
        {
            json.Refuse($"the field \"{path}\" has not exactly one of \"key\", \"keyBase64\", \"prefix\" and \"prefixBase64\"");
        }
        else if (limit != 0 && !found.Value.IsPrefix)
        {
            json.Refuse($"the field \"{path}.limit\" belongs to a prefix");
        }
        target = found.GetValueOrDefault();
        return json.Refusal is null;
    }

    private static (Key Key, bool IsPrefix)? Found(Key? key, bool isPrefix) => key is { } found ? (found, isPrefix) : null;

    /// <summary>Only the state knows which keys a prefix has: that a delete of them meets another write is judged in Apply.</summary>
    private static void RefuseTwice(ref StrictObjectReader json, TxnOperation operation, string path, Dictionary<Key, string> written)
    {
        Key? key = operation switch
        {
            TxnPut put => put.Key,
            TxnDelete { IsPrefix: false } delete => delete.Key,
            _ => null,
        };
        if (key is { } one && !written.TryAdd(one, path))
        {
            json.Refuse($"the field \"{path}\" writes the key \"{Excerpt.Of(one)}\", which \"{written[one]}\" writes already");
        }
    }
}
