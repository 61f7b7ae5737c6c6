using System.Buffers.Text;
using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Api.Elections;
using Consensus.Api.KeyValue;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Semaphores;
using Consensus.Api.Transactions;
using Consensus.Api.Watches;

namespace Consensus.Client;

/// <summary>
/// What of an answer is believed. Whatever listens where a member should may answer 200 with an empty object or somebody else's document,
/// and a grant without a token would be one with token 0. So all that the contract always sends must be there, no list has nothing for an
/// item, and where a document has one of several members it has one.
/// </summary>
internal static class AnswerTypes
{
    private static readonly JsonSerializerOptions Options = new(ClientJson.Default.Options)
    {
        TypeInfoResolver = JsonTypeInfoResolver.Combine(ClientJson.Default, OperationsJson.Default).WithAddedModifier(Refuse),
    };

    /// <summary>The same type, as it is read from what somebody sent.</summary>
    /// <param name="type">Of <see cref="ClientJson"/> or <see cref="OperationsJson"/>.</param>
    public static JsonTypeInfo<T> Checked<T>(JsonTypeInfo<T> type) => Cache<T>.Type ??= (JsonTypeInfo<T>)Options.GetTypeInfo(type.Type);

    /// <summary>Null; or what a document lacks, in a word or two, that was read member by member.</summary>
    public static string? Lacks(object document) => document switch
    {
        KeyAnswer key => LacksOf(key.Key, key.KeyBase64) ?? (key.ValueBytes is null ? NoBase64("value", key.ValueBase64) : null),
        WatchEventData key => LacksOf(key.Key, key.KeyBase64) ?? NoBase64("value", key.ValueBase64),
        TxnResultAnswer { Put: null, Delete: null, Get: null } => "put, delete or get",
        TxnItemsAnswer { Omitted: false, Items: null } => "items",
        TxnItemsAnswer { Omitted: false, Count: null } => "count",
        LockGrantAnswer grant => LacksOf(grant.FencingToken, grant.TtlMs, grant.WaitedMs),
        SemaphoreGrantAnswer grant => LacksOf(grant.FencingToken, grant.TtlMs, grant.WaitedMs),
        ElectedAnswer grant => LacksOf(grant.FencingToken, grant.TtlMs, grant.WaitedMs),
        MultiLockAnswer { Locks.Count: 0 } => "locks",
        MultiLockAnswer grant => LacksOf(grant.Locks.Min(item => item.FencingToken), grant.TtlMs, grant.WaitedMs),
        AccessRuleMessage { Name: null, NameBase64: null, Prefix: null, PrefixBase64: null } => "name or prefix",
        LeaseAnswer lease => LacksOf(1, lease.TtlMs, 0),
        _ => null,
    };

    private static string? LacksOf(string? key, string? base64) => key is null && base64 is null ? "key" : NoBase64("key", base64);

    private static string? NoBase64(string name, string? base64) => base64 is null || Base64.IsValid(base64) ? null : name + " in base64";

    /// <summary>Of what was granted: a token, and times that one can count with.</summary>
    private static string? LacksOf(long token, long ttlMs, long waitedMs)
    {
        const long MostMs = ApiLimits.MaxTtlMicros / 1_000;
        return token < 1 ? "fencingToken" : ttlMs is < 0 or > MostMs ? "ttlMs" : waitedMs is < -MostMs or > MostMs ? "waitedMs" : null;
    }

    private static void Refuse(JsonTypeInfo type)
    {
        if (type.Kind == JsonTypeInfoKind.Enumerable)
        {
            type.OnDeserialized = static list =>
            {
                foreach (var item in (IEnumerable)list)
                {
                    _ = item ?? throw new JsonException("An item of a list is null.");
                }
            };
        }
        else if (type.Kind == JsonTypeInfoKind.Object)
        {
            type.OnDeserialized = static document =>
            {
                if (Lacks(document) is { } member)
                {
                    throw new JsonException($"A document lacks its {member}.");
                }
            };
        }
    }

    private static class Cache<T>
    {
        public static JsonTypeInfo<T>? Type { get; set; }
    }
}
