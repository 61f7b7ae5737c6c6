using System.Globalization;
using System.Net;
using System.Text.Json;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>What one attempt told.</summary>
/// <param name="Status"><see cref="OperationStatus.Open"/> while it stands in line: its slice is over.</param>
/// <param name="IsFinal">Nothing was done, and asking the same again would change nothing.</param>
internal readonly record struct AttemptResult(OperationStatus Status, Outcome? Outcome = null, ReadResult? Seen = null, bool IsFinal = false)
{
    public static readonly AttemptResult NotDone = new(OperationStatus.NotDone);
    public static readonly AttemptResult Unknown = new(OperationStatus.Unknown);
    public static readonly AttemptResult StandsInLine = new(OperationStatus.Open);
    public static readonly AttemptResult Refused = new(OperationStatus.NotDone, IsFinal: true);
}

/// <summary>An HTTP answer in the words of the state machine, so that the simulation's checkers can judge it.</summary>
internal static class AnswerReader
{
    /// <exception cref="InvalidDataException">An answer that the contract does not have.</exception>
    public static AttemptResult Read(Operation operation, HttpStatusCode status, string? revisionHeader, JsonElement body)
    {
        switch (status)
        {
            case HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout:
                return AttemptResult.NotDone;
            case HttpStatusCode.GatewayTimeout or HttpStatusCode.InternalServerError:
                return AttemptResult.Unknown;
            case HttpStatusCode.Accepted when operation.WaitMicros > 0 && Number(body, "position") > 0 && Number(body, "waitLeftMs") >= 0:
                return AttemptResult.StandsInLine;
            case HttpStatusCode.BadRequest when operation.Kind is OperationKind.Transaction or OperationKind.Delete:
                // A branch writes a key twice; a key is to be deleted if it is not there.
                return AttemptResult.Refused;
        }
        if (!long.TryParse(revisionHeader, CultureInfo.InvariantCulture, out var number))
        {
            throw new InvalidDataException($"{(int)status} without a Consensus-Revision: {operation}");
        }
        var revision = new Revision(number);
        if (operation.IsRead)
        {
            return new AttemptResult(OperationStatus.Done, Seen: LookReader.Seen(operation, status, number, body));
        }
        if (operation.NewsSince is not null)
        {
            return SessionReader.OfRenewal(operation, status, revision, body);
        }
        var outcome = OfAnyKind(operation, status, revision, body) ?? operation.Kind switch
        {
            OperationKind.Put => OfPut(operation, status, revision, body),
            OperationKind.Delete => OfDelete(status, revision, body),
            OperationKind.Transaction => OfTransaction((TxnCommand)operation.Command!, status, revision, body),
            OperationKind.GrantLease or OperationKind.RenewLeases or OperationKind.RevokeLease => OfLease(operation, status, revision, body),
            OperationKind.Fence or OperationKind.ResetFence => OfFence(status, revision, body),
            OperationKind.Withdraw => OfWithdrawal(status, revision, body),
            OperationKind.Settle => SessionReader.OfSettlement(operation.Settles!, status, revision, body),
            _ => HoldReader.Of(operation, status, revision, body),
        };
        return outcome is null
            ? throw new InvalidDataException($"the answer {(int)status} {body} to {operation}")
            : new AttemptResult(OperationStatus.Done, outcome);
    }

    public static KeyRecord RecordOf(JsonElement item, ReadOnlyMemory<byte> value) => new(
        value,
        new Revision(Number(item, "createRevision")),
        new Revision(Number(item, "modRevision")),
        Number(item, "version"),
        LeaseOf(item));

    public static KeyItem ItemOf(JsonElement item) => new(
        Key.FromText(item.GetProperty("key").GetString()!), RecordOf(item, System.Text.Encoding.UTF8.GetBytes(item.GetProperty("value").GetString()!)));

    public static LeaseId LeaseOf(JsonElement item, string name = "lease") =>
        item.GetProperty(name).GetString() is { } text && LeaseId.TryParse(text, out var lease) ? lease : LeaseId.None;

    public static long Number(JsonElement body, string name) => body.GetProperty(name).GetInt64();

    /// <summary>Of a problem, without what all have in common; empty for a success.</summary>
    public static string TypeOf(JsonElement body) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty("type", out var type) && type.GetString() is { } urn ? urn[(urn.LastIndexOf(':') + 1)..] : "";

    private static Outcome? OfAnyKind(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) =>
        (status, TypeOf(body)) switch
        {
            (HttpStatusCode.Gone, "session-ended") =>
                new SessionRefused(revision, (operation.Settles ?? operation).Session.Session, SessionRefusal.Ended, 0),
            (HttpStatusCode.Conflict, "withdrawn") => new RequestWithdrawn(revision),
            (HttpStatusCode.Conflict, "retry-too-late") => new RetryTooLate(revision),
            (HttpStatusCode.UnprocessableEntity, _) => new IdempotencyMismatch(revision),
            (HttpStatusCode.Gone, "lease-expired") when body.GetProperty("detail").GetString()!.StartsWith("this request had its effect before", StringComparison.Ordinal) =>
                new ReplayedHoldGone(revision, null),
            (HttpStatusCode.Gone, "lease-expired") when body.GetProperty("detail").GetString()!.StartsWith("the lease ", StringComparison.Ordinal) =>
                new LeaseMissing(revision, LeaseId.TryParse(body.GetProperty("detail").GetString()!.Split(' ')[2], out var lease) ? lease : LeaseId.None),
            _ => null,
        };

    private static Outcome? OfPut(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) => status switch
    {
        HttpStatusCode.OK or HttpStatusCode.Created => new PutDone(
            new Revision(Number(body, "modRevision")),
            operation.Key,
            new Revision(Number(body, "createRevision")),
            new Revision(Number(body, "modRevision")),
            Number(body, "version"),
            LeaseId.None),
        HttpStatusCode.PreconditionFailed => Condition(revision, body),
        _ => null,
    };

    private static Outcome? OfDelete(HttpStatusCode status, Revision revision, JsonElement body) => status switch
    {
        HttpStatusCode.OK => new DeleteDone(new Revision(Number(body, "revision")), Number(body, "deleted")),
        HttpStatusCode.PreconditionFailed => Condition(revision, body),
        _ => null,
    };

    /// <summary>A deletion of a prefix is a transaction that does nothing else.</summary>
    private static TxnDone? OfTransaction(TxnCommand command, HttpStatusCode status, Revision revision, JsonElement body)
    {
        if (status != HttpStatusCode.OK)
        {
            return null;
        }
        if (body.TryGetProperty("deleted", out var deleted))
        {
            return new TxnDone(new Revision(Number(body, "revision")), true, [new TxnDeleteResult(deleted.GetInt64())]);
        }
        var succeeded = body.GetProperty("succeeded").GetBoolean();
        var branch = succeeded ? command.Success : command.Failure;
        var results = body.GetProperty("results").EnumerateArray().Select((result, i) => ResultOf(branch[i], result));
        return new TxnDone(new Revision(Number(body, "revision")), succeeded, [.. results]);
    }

    private static TxnResult ResultOf(TxnOperation asked, JsonElement result)
    {
        if (asked is TxnPut put)
        {
            var record = RecordOf(result.GetProperty("put"), put.Value);
            return new TxnPutResult(Key.FromText(result.GetProperty("put").GetProperty("key").GetString()!), record.CreateRevision, record.ModRevision, record.Version, record.Lease);
        }
        if (asked is TxnDelete)
        {
            return new TxnDeleteResult(Number(result.GetProperty("delete"), "deleted"));
        }
        var got = result.GetProperty("get");
        // How many were left out is not told.
        return got.TryGetProperty("items", out var items)
            ? new TxnGetResult([.. items.EnumerateArray().Select(ItemOf)], Number(got, "count"))
            : new TxnGetNotKept(0, 0);
    }

    private static Outcome? OfLease(Operation operation, HttpStatusCode status, Revision revision, JsonElement body)
    {
        switch (operation.Command)
        {
            case GrantLeaseCommand when status == HttpStatusCode.Created:
                return new LeaseGranted(revision, LeaseOf(body, "id"), Number(body, "ttlMs") * 1000);
            case RenewLeasesCommand when status == HttpStatusCode.OK:
                return new LeasesRenewed(revision, [.. body.GetProperty("items").EnumerateArray().Select(item => new LeaseRenewal(
                    LeaseOf(item, "id"), item.GetProperty("alive").GetBoolean() ? Number(item, "ttlMs") * 1000 : 0, default))]);
            case RevokeLeaseCommand revoke when status == HttpStatusCode.OK:
                return new LeaseRevoked(revision, revoke.Id, Number(body, "keysDeleted"), Number(body, "locksFreed"));
            case RevokeLeaseCommand revoke when status == HttpStatusCode.NotFound:
                return new LeaseMissing(revision, revoke.Id);
            default:
                return null;
        }
    }

    private static Outcome? OfFence(HttpStatusCode status, Revision revision, JsonElement body) => status switch
    {
        HttpStatusCode.OK when body.TryGetProperty("existed", out var existed) => new FenceReset(revision, existed.GetBoolean()),
        HttpStatusCode.OK => new FencePassed(revision, new FencingToken(Number(body, "highestToken"))),
        HttpStatusCode.PreconditionFailed => new FenceStale(revision, new FencingToken(Number(body, "highestToken"))),
        HttpStatusCode.BadRequest when body.TryGetProperty("name", out var of) => new TokenNotExclusive(revision, ObjectName.Lock(Key.FromText(of.GetString()!))),
        HttpStatusCode.BadRequest => new TokenFromFuture(revision),
        _ => null,
    };

    private static Withdrawn? OfWithdrawal(HttpStatusCode status, Revision revision, JsonElement body) => status != HttpStatusCode.OK
        ? null
        : new Withdrawn(revision, body.GetProperty("outcome").GetString() switch
        {
            "withdrawn" => WithdrawResult.Withdrawn,
            "released" => WithdrawResult.Released,
            "done" => WithdrawResult.Done,
            var other => throw new InvalidDataException($"a withdrawal was answered {other}"),
        });

    private static ConditionFailed Condition(Revision revision, JsonElement body) =>
        new(revision, new Revision(body.TryGetProperty("revision", out var current) ? current.GetInt64() : 0));
}
