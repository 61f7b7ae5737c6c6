using System.Globalization;
using System.Net;
using System.Text.Json;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>What one attempt told.</summary>
internal readonly record struct AttemptResult(OperationStatus Status, Outcome? Outcome = null, ReadResult? Seen = null)
{
    public static readonly AttemptResult NotDone = new(OperationStatus.NotDone);
    public static readonly AttemptResult Unknown = new(OperationStatus.Unknown);
}

/// <summary>An HTTP answer in the words of the state machine, so that the simulation's checkers can judge it.</summary>
internal static class AnswerReader
{
    /// <exception cref="InvalidDataException">An answer that the contract does not have.</exception>
    public static AttemptResult Read(Operation operation, HttpStatusCode status, string? revisionHeader, JsonElement body)
    {
        switch (status)
        {
            case HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests:
                return AttemptResult.NotDone;
            case HttpStatusCode.GatewayTimeout or HttpStatusCode.InternalServerError:
                return AttemptResult.Unknown;
        }
        if (!long.TryParse(revisionHeader, CultureInfo.InvariantCulture, out var number))
        {
            throw new InvalidDataException($"{(int)status} without a Consensus-Revision: {operation}");
        }
        var revision = new Revision(number);
        if (operation.IsRead)
        {
            return new AttemptResult(OperationStatus.Done, Seen: Seen(operation, status, number, body));
        }
        var outcome = operation.Kind switch
        {
            OperationKind.Put => OfPut(operation, status, revision, body),
            OperationKind.Delete => OfDelete(status, revision, body),
            OperationKind.Acquire => OfAcquire(operation, status, revision, body),
            OperationKind.Renew => OfRenew(operation, status, revision, body),
            _ => OfRelease(operation, status, revision, body),
        };
        return outcome is null
            ? throw new InvalidDataException($"the answer {(int)status} {body} to {operation}")
            : new AttemptResult(OperationStatus.Done, outcome);
    }

    private static ReadResult? Seen(Operation operation, HttpStatusCode status, long revision, JsonElement body)
    {
        if (operation.Kind == OperationKind.ReadLock)
        {
            var holders = body.GetProperty("holders");
            return holders.GetArrayLength() == 0
                ? new ReadResult(revision)
                : new ReadResult(revision, Holder: holders[0].GetProperty("owner").GetString(), Token: Number(holders[0], "fencingToken"));
        }
        return status == HttpStatusCode.NotFound
            ? new ReadResult(revision)
            : new ReadResult(revision, body.GetProperty("value").GetString(), Number(body, "modRevision"), Number(body, "version"));
    }

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

    private static Outcome? OfAcquire(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) => status switch
    {
        HttpStatusCode.OK => new LockGranted(revision, HoldOf(operation, body), Number(body, "waitedMs") * 1000),
        HttpStatusCode.Conflict => new LockHeld(revision, Current(operation, body), 0, 0),
        HttpStatusCode.Gone => new ReplayedHoldGone(revision, null),
        _ => null,
    };

    private static Outcome? OfRenew(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) => status switch
    {
        HttpStatusCode.OK => new LockRenewed(revision, HoldOf(operation, body)),
        HttpStatusCode.Gone => new NotHolder(
            revision, new LockLoss(new FencingToken(operation.Token), operation.Owner, LossReason.Expired, revision), Current(operation, body)),
        HttpStatusCode.PreconditionFailed => new NotHolder(revision, null, Current(operation, body)),
        _ => null,
    };

    private static Outcome? OfRelease(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) => status switch
    {
        HttpStatusCode.NoContent => new LockReleased(revision),
        HttpStatusCode.PreconditionFailed or HttpStatusCode.Gone => new NotHolder(revision, null, Current(operation, body)),
        _ => null,
    };

    private static ConditionFailed Condition(Revision revision, JsonElement body) =>
        new(revision, new Revision(body.TryGetProperty("revision", out var current) ? current.GetInt64() : 0));

    private static Hold HoldOf(Operation operation, JsonElement body) => new(
        operation.Key,
        body.GetProperty("owner").GetString()!,
        new FencingToken(Number(body, "fencingToken")),
        LeaseId.None,
        Number(body, "ttlMs") * 1000,
        Revision.Zero,
        default);

    /// <summary>Who holds it instead; null when nobody does.</summary>
    private static Hold? Current(Operation operation, JsonElement body) =>
        body.TryGetProperty("holder", out var holder) && holder.GetString() is { } owner
            ? new Hold(operation.Key, owner, new FencingToken(Number(body, "fencingToken")), LeaseId.None, 0, Revision.Zero, default)
            : null;

    private static long Number(JsonElement body, string name) => body.GetProperty(name).GetInt64();
}
