using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Chaos.Clients;

/// <summary>An operation as an HTTP request. The same operation gives the same request each time, as a retry under one key must.</summary>
internal static class RequestWriter
{
    /// <param name="identity">What is before the operation's owner in its Idempotency-Key.</param>
    /// <param name="how">What may be another in each attempt.</param>
    public static HttpRequestMessage Of(Operation operation, Door door, string identity, Attempt how)
    {
        var (method, path, body) = operation.NewsSince is { } since ? OfRenewal(((RenewLeasesCommand)operation.Command!).Ids[0], since)
            : operation.Command is { } command ? OfCommand(command, identity)
            : operation.IsPlain ? OfPlain(operation)
            : OfRead(operation);
        if (how.SliceMs is { } slice)
        {
            path += Invariantly($"?poll={slice}ms");
        }
        var request = new HttpRequestMessage(method, door.Url + path)
        {
            // Every write has a body, be it empty: without one the handler sends a request a second time by itself when the server closes the connection, and a
            // "connection refused" of the second sending would say nothing about the first.
            Content = method == HttpMethod.Get ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        request.Headers.Host = door.Host;
        var (name, value) = operation.Condition.Kind switch
        {
            KeyConditionKind.Absent => ("If-None-Match", "*"),
            KeyConditionKind.Exists => ("If-Match", "*"),
            KeyConditionKind.ModRevisionIs => ("If-Match", $"\"{operation.Condition.ModRevision.Value}\""),
            _ => ("", ""),
        };
        if (name.Length > 0)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        if (!operation.Session.IsNone)
        {
            request.Headers.TryAddWithoutValidation(
                "Consensus-Session",
                Invariantly($"{operation.Session.Session}; seq={operation.Session.Number}; acked={how.Acked}"));
        }
        else if (operation is { HasIdentity: true, IsRead: false })
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", identity + operation.Owner);
        }
        return request;
    }

    private static (HttpMethod Method, string Path, string Body) OfPlain(Operation o)
    {
        var path = o.IsOfLock ? $"/v1/locks/{o.Object}" : $"/v1/kv/{o.Object}";
        return o.Kind switch
        {
            OperationKind.Put => (HttpMethod.Put, path, o.Value),
            OperationKind.Delete => (HttpMethod.Delete, path, ""),
            OperationKind.Read or OperationKind.ReadLock => (HttpMethod.Get, path, ""),
            OperationKind.StaleRead => (HttpMethod.Get, path + "?consistency=stale", ""),
            OperationKind.Acquire => (HttpMethod.Post, path, Text(new JsonObject { ["owner"] = o.Owner, ["ttl"] = Duration(o.TtlMicros), ["wait"] = Duration(o.WaitMicros) })),
            OperationKind.Renew => (HttpMethod.Put, path, Text(new JsonObject { ["fencingToken"] = o.Token })),
            _ => (HttpMethod.Delete, Invariantly($"{path}?fencingToken={o.Token}"), ""),
        };
    }

    private static (HttpMethod Method, string Path, string Body) OfRead(Operation o) => (HttpMethod.Get, o.Kind switch
    {
        OperationKind.ReadKeys => Invariantly($"/v1/kv/?prefix={o.Object}{(o.AtRevision.Value > 0 ? Invariantly($"&revision={o.AtRevision.Value}") : "")}"),
        OperationKind.ReadHold => PathOf(o.Name),
        OperationKind.ReadFence => $"/v1/fences/{o.Object}",
        _ => Invariant.Unreachable<string>(o.Kind),
    }, "");

    private static (HttpMethod Method, string Path, string Body) OfRenewal(LeaseId session, long since) =>
        (HttpMethod.Post, $"/v1/leases/{session}/keepalive", Text(new JsonObject { ["since"] = since }));

    private static (HttpMethod Method, string Path, string Body) OfCommand(Command command, string identity) => command switch
    {
        TxnCommand { Compares: [], Success: [TxnDelete { IsPrefix: true } all], Failure: [] } => (HttpMethod.Delete, $"/v1/kv/?prefix={all.Key}", ""),
        TxnCommand txn => (HttpMethod.Post, "/v1/txn", Text(new JsonObject
        {
            ["compare"] = new JsonArray([.. txn.Compares.Select(Of)]),
            ["success"] = new JsonArray([.. txn.Success.Select(Of)]),
            ["failure"] = new JsonArray([.. txn.Failure.Select(Of)]),
        })),
        AcquireCommand acquire => (HttpMethod.Post, PathOf(acquire.Object), Text(Of(acquire))),
        AcquireManyCommand many => (HttpMethod.Post, "/v1/multilock", Text(Terms(
            new JsonObject
            {
                ["owner"] = many.Owner,
                ["names"] = new JsonArray([.. many.Names.Select(name => (JsonNode)name.ToString())]),
                ["wait"] = Duration(many.WaitMicros),
            },
            many.TtlMicros,
            many.SharedLease,
            many.LockDelayMicros,
            many.MaxHoldMicros))),
        RenewHoldCommand { Value: { } value } renew => (HttpMethod.Put, PathOf(renew.Object), Text(new JsonObject { ["fencingToken"] = renew.Token.Value, ["value"] = Text(value) })),
        RenewHoldCommand renew => (HttpMethod.Put, PathOf(renew.Object), Text(new JsonObject { ["fencingToken"] = renew.Token.Value })),
        ReleaseHoldCommand { Force: true } force => (HttpMethod.Delete, PathOf(force.Object) + "?force=true", ""),
        ReleaseHoldCommand release => (HttpMethod.Delete, Invariantly($"{PathOf(release.Object)}?fencingToken={release.Token.Value}"), ""),
        HandOverCommand over => (HttpMethod.Patch, PathOf(over.Object), Text(new JsonObject { ["handOverTo"] = over.To, ["fencingToken"] = over.Token.Value })),
        GrantLeaseCommand { IsSession: true } grant =>
            (HttpMethod.Post, "/v1/leases", Text(new JsonObject { ["ttl"] = Duration(grant.TtlMicros), ["session"] = true })),
        GrantLeaseCommand grant => (HttpMethod.Post, "/v1/leases", Text(new JsonObject { ["ttl"] = Duration(grant.TtlMicros) })),
        RenewLeasesCommand renew => (HttpMethod.Post, "/v1/leases/keepalive", Text(new JsonObject { ["ids"] = new JsonArray([.. renew.Ids.Select(id => (JsonNode)id.ToString())]) })),
        RevokeLeaseCommand revoke => (HttpMethod.Delete, $"/v1/leases/{revoke.Id}", ""),
        SettleCommand settle => (HttpMethod.Post, $"/v1/leases/{settle.Session}/settle", Text(new JsonObject { ["seq"] = settle.Number })),
        FenceCommand fence => (HttpMethod.Put, $"/v1/fences/{fence.Resource}", Text(new JsonObject { ["fencingToken"] = fence.Token.Value })),
        ResetFenceCommand reset => (HttpMethod.Delete, $"/v1/fences/{reset.Resource}", ""),
        WithdrawCommand withdraw => (HttpMethod.Delete, $"/v1/requests/{identity}{withdraw.IdempotencyKey}", ""),
        _ => Invariant.Unreachable<(HttpMethod, string, string)>(command),
    };

    public static string PathOf(ObjectName name) => name.Space switch
    {
        HoldSpace.Lock => $"/v1/locks/{name.Name}",
        HoldSpace.Semaphore => $"/v1/semaphores/{name.Name}",
        _ => $"/v1/elections/{name.Name}",
    };

    private static JsonObject Of(AcquireCommand acquire)
    {
        var json = new JsonObject { [acquire.Space == HoldSpace.Election ? "candidate" : "owner"] = acquire.Owner, ["wait"] = Duration(acquire.WaitMicros) };
        switch (acquire.Space)
        {
            case HoldSpace.Lock:
                json["mode"] = acquire.Mode == LockMode.Shared ? "shared" : "exclusive";
                break;
            case HoldSpace.Semaphore:
                json["permits"] = acquire.Permits;
                json["count"] = acquire.Count;
                break;
            default:
                json["value"] = Text(acquire.Value);
                break;
        }
        if (!acquire.Metadata.IsEmpty)
        {
            json["metadata"] = JsonNode.Parse(acquire.Metadata.Span);
        }
        return Terms(json, acquire.TtlMicros, acquire.SharedLease, acquire.LockDelayMicros, acquire.MaxHoldMicros);
    }

    private static JsonObject Terms(JsonObject json, long ttlMicros, LeaseId lease, long lockDelayMicros, long maxHoldMicros)
    {
        if (lease.IsNone)
        {
            json["ttl"] = Duration(ttlMicros);
        }
        else
        {
            json["lease"] = lease.ToString();
        }
        if (lockDelayMicros > 0)
        {
            json["lockDelay"] = Duration(lockDelayMicros);
        }
        if (maxHoldMicros > 0)
        {
            json["maxHold"] = Duration(maxHoldMicros);
        }
        return json;
    }

    private static JsonObject Of(TxnCompare compare)
    {
        var with = compare.Operator switch
        {
            CompareOperator.Equal => "=",
            CompareOperator.NotEqual => "!=",
            CompareOperator.Less => "<",
            _ => ">",
        };
        if (compare.Target == CompareTarget.Hold)
        {
            return new JsonObject { [compare.Space.ToString().ToLowerInvariant()] = compare.Name.ToString(), ["op"] = with, ["fencingToken"] = compare.Number };
        }
        var target = compare.Target.ToString();
        return new JsonObject
        {
            ["key"] = compare.Name.ToString(),
            ["target"] = char.ToLowerInvariant(target[0]) + target[1..],
            ["op"] = with,
            ["operand"] = compare.Target switch
            {
                CompareTarget.Value => Text(compare.Value),
                CompareTarget.Lease => compare.Number == 0 ? null : new LeaseId(compare.Number).ToString(),
                CompareTarget.Exists => compare.Number == 1,
                _ => compare.Number,
            },
        };
    }

    private static JsonObject Of(TxnOperation operation)
    {
        switch (operation)
        {
            case TxnPut put:
                var json = new JsonObject { ["key"] = put.Key.ToString(), ["value"] = Text(put.Value) };
                if (!put.Lease.IsNone)
                {
                    json["lease"] = put.Lease.ToString();
                }
                return new JsonObject { ["put"] = json };
            case TxnDelete delete:
                return new JsonObject { ["delete"] = new JsonObject { [delete.IsPrefix ? "prefix" : "key"] = delete.Key.ToString() } };
            case TxnGet { IsPrefix: true, Limit: > 0 } get:
                return new JsonObject { ["get"] = new JsonObject { ["prefix"] = get.Key.ToString(), ["limit"] = get.Limit } };
            case TxnGet get:
                return new JsonObject { ["get"] = new JsonObject { [get.IsPrefix ? "prefix" : "key"] = get.Key.ToString() } };
            default:
                return Invariant.Unreachable<JsonObject>(operation);
        }
    }

    private static string Text(JsonObject json) => json.ToJsonString();

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>In whole milliseconds, upwards: what was promised is never less than what a client takes it for.</summary>
    private static string Duration(long micros) => Invariantly($"{(micros + 999) / 1000}ms");

    private static string Invariantly(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
