using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.Chaos.Clients.AnswerReader;

namespace Consensus.Chaos.Clients;

/// <summary>Answers about locks, semaphores and elections, plain locks among them.</summary>
internal static partial class HoldReader
{
    /// <summary>Null for an answer that there is not.</summary>
    public static Outcome? Of(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) => operation.Kind switch
    {
        OperationKind.Acquire or OperationKind.AcquireHold => OfAcquire(operation, status, revision, body),
        OperationKind.AcquireMany => OfMany(operation, status, revision, body),
        OperationKind.Renew or OperationKind.RenewHold => status switch
        {
            HttpStatusCode.OK => new HoldRenewed(revision, HoldOf(NameOf(operation), body)),
            HttpStatusCode.Gone or HttpStatusCode.PreconditionFailed => NotHolderOf(operation, status, revision, body),
            _ => null,
        },
        OperationKind.HandOver => status switch
        {
            HttpStatusCode.OK => new HandedOver(revision, new Hold(
                operation.Name.Name, body.GetProperty("handedOverTo").GetString()!, new FencingToken(Number(body, "fencingToken")), LeaseId.None, 0, revision, default)
            {
                Space = operation.Name.Space,
            }),
            HttpStatusCode.NotFound => new NoSuchWaiter(revision, ((HandOverCommand)operation.Command!).To),
            HttpStatusCode.PreconditionFailed => NotHolderOf(operation, status, revision, body),
            _ => null,
        },
        OperationKind.Release or OperationKind.ReleaseHold => status switch
        {
            HttpStatusCode.NoContent => new HoldReleased(revision),
            HttpStatusCode.PreconditionFailed or HttpStatusCode.Gone => NotHolderOf(operation, status, revision, body),
            _ => null,
        },
        _ => null,
    };

    /// <summary>A hold as it is granted, renewed or shown: semaphores have no mode, locks and elections no count.</summary>
    public static Hold HoldOf(ObjectName name, JsonElement body) => new(
        name.Name,
        body.GetProperty(body.TryGetProperty("leader", out _) ? "leader" : "owner").GetString()!,
        new FencingToken(Number(body, "fencingToken")),
        LeaseOf(body),
        Number(body, "ttlMs") * 1000,
        new Revision(Number(body, "fencingToken")),
        default)
    {
        Space = name.Space,
        Mode = body.TryGetProperty("mode", out var mode) && mode.GetString() == "shared" ? LockMode.Shared : LockMode.Exclusive,
        Count = body.TryGetProperty("count", out var count) ? count.GetInt64() : 1,
        Value = body.TryGetProperty("value", out var value) ? System.Text.Encoding.UTF8.GetBytes(value.GetString()!) : default,
    };

    private static Outcome? OfAcquire(Operation operation, HttpStatusCode status, Revision revision, JsonElement body) => (status, TypeOf(body)) switch
    {
        (HttpStatusCode.OK, _) => new HoldGranted(revision, HoldOf(NameOf(operation), body), Number(body, "waitedMs") * 1000),
        (HttpStatusCode.Conflict, "lock-held") => new HoldRefused(revision, Current(operation, body), 0, 0),
        (HttpStatusCode.Conflict, "permits-mismatch") => new PermitsMismatch(revision, Number(body, "permits")),
        _ => null,
    };

    private static Outcome? OfMany(Operation operation, HttpStatusCode status, Revision revision, JsonElement body)
    {
        if (status == HttpStatusCode.Conflict)
        {
            return new HoldRefused(revision, Current(operation, body), 0, 0);
        }
        if (status != HttpStatusCode.OK)
        {
            return null;
        }
        var (owner, lease, ttl) = (body.GetProperty("owner").GetString()!, LeaseOf(body), Number(body, "ttlMs") * 1000);
        return new ManyGranted(revision, [.. body.GetProperty("locks").EnumerateArray().Select(one => new Hold(
            Key.FromText(one.GetProperty("name").GetString()!),
            owner,
            new FencingToken(Number(one, "fencingToken")),
            lease,
            ttl,
            new Revision(Number(one, "fencingToken")),
            default))])
        {
            WaitedMicros = Number(body, "waitedMs") * 1000,
        };
    }

    /// <summary>Why it was lost, and since when, is in the sentence alone.</summary>
    private static NotHolder NotHolderOf(Operation operation, HttpStatusCode status, Revision revision, JsonElement body)
    {
        var detail = body.GetProperty("detail").GetString()!;
        LossReason? reason = detail switch
        {
            _ when status == HttpStatusCode.Gone || detail.Contains("its lease expired", StringComparison.Ordinal) => LossReason.Expired,
            _ when detail.Contains("its lease was revoked", StringComparison.Ordinal) => LossReason.Revoked,
            _ when detail.Contains("broken by force", StringComparison.Ordinal) => LossReason.Forced,
            _ when detail.Contains("its maxHold was over", StringComparison.Ordinal) => LossReason.HeldTooLong,
            _ => null,
        };
        if (reason is not { } known || operation.Token == 0)
        {
            return new NotHolder(revision, null, Current(operation, body));
        }
        var at = AtRevision().Match(detail) is { Success: true } match ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : revision.Value;
        return new NotHolder(revision, new HoldLoss(new FencingToken(operation.Token), operation.Owner, known, new Revision(at)), Current(operation, body));
    }

    /// <summary>Who holds it instead; null when nobody does.</summary>
    private static Hold? Current(Operation operation, JsonElement body)
    {
        if (!body.TryGetProperty("holder", out var holder) || holder.GetString() is not { } owner)
        {
            return null;
        }
        var name = NameOf(operation);
        return new Hold(
            body.TryGetProperty("name", out var of) ? Key.FromText(of.GetString()!) : name.Name,
            owner,
            new FencingToken(Number(body, "fencingToken")),
            LeaseId.None,
            0,
            Revision.Zero,
            default)
        {
            Space = name.Space,
        };
    }

    private static ObjectName NameOf(Operation operation) => operation.IsPlain ? ObjectName.Lock(operation.Key) : operation.Name;

    [GeneratedRegex(@"at revision (\d+)")]
    private static partial Regex AtRevision();
}
