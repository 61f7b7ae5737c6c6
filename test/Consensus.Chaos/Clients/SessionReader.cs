using System.Globalization;
using System.Net;
using System.Text.Json;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.Chaos.Clients.AnswerReader;

namespace Consensus.Chaos.Clients;

/// <summary>Answers about sessions: of renewals with their news, and of settlements.</summary>
internal static class SessionReader
{
    /// <exception cref="InvalidDataException">An answer that the contract does not have.</exception>
    public static AttemptResult OfRenewal(Operation operation, HttpStatusCode status, Revision revision, JsonElement body)
    {
        var session = ((RenewLeasesCommand)operation.Command!).Ids[0];
        return (status, TypeOf(body)) switch
        {
            (HttpStatusCode.OK, _) => new AttemptResult(
                OperationStatus.Done,
                new LeasesRenewed(revision, [new LeaseRenewal(LeaseOf(body, "id"), Number(body, "ttlMs") * 1000, default)]),
                new ReadResult(revision.Value) { News = NewsOf(body.GetProperty("news")) }),
            (HttpStatusCode.Gone, "lease-expired") =>
                new AttemptResult(OperationStatus.Done, new LeasesRenewed(revision, [new LeaseRenewal(session, 0, default)])),
            _ => throw new InvalidDataException($"the answer {(int)status} {body} to {operation}"),
        };
    }

    /// <summary>Null for an answer that there is not.</summary>
    /// <param name="settled">What was asked under the number.</param>
    public static Settled? OfSettlement(Operation settled, HttpStatusCode status, Revision revision, JsonElement body)
    {
        if (status != HttpStatusCode.OK || Number(body, "seq") != settled.Session.Number)
        {
            return null;
        }
        var result = body.GetProperty("result").GetString() switch
        {
            "done" => SettleResult.Done,
            "refused" => SettleResult.Refused,
            "not-done" => SettleResult.NotDone,
            var other => throw new InvalidDataException($"the settlement of {settled} was answered {other}"),
        };
        var first = result == SettleResult.NotDone ? null : FirstOf(settled, result, new Revision(Number(body, "revision")), body);
        return new Settled(revision, result, first);
    }

    /// <summary>As far as the answer tells it; null when no more is known than that it was done.</summary>
    private static Outcome? FirstOf(Operation settled, SettleResult result, Revision revision, JsonElement body)
    {
        if (body.TryGetProperty("problem", out var problem))
        {
            var at = revision.Value.ToString(CultureInfo.InvariantCulture);
            return result == SettleResult.Done ? new ReplayedHoldGone(revision, null) : Read(settled, (HttpStatusCode)Number(problem, "status"), at, problem).Outcome;
        }
        Hold[] holds = body.TryGetProperty("holds", out var told) ? [.. told.EnumerateArray().Select(one => HoldOf(settled, one))] : [];
        return settled.Kind switch
        {
            OperationKind.Put => new PutDone(revision, settled.Key, Revision.Zero, revision, 0, LeaseId.None),
            OperationKind.Delete => new DeleteDone(revision, 1),
            OperationKind.ReleaseHold => new HoldReleased(revision),
            OperationKind.AcquireHold when holds is [var hold] => new HoldGranted(revision, hold, 0),
            OperationKind.AcquireMany when holds.Length > 0 => new ManyGranted(revision, [.. holds]),
            _ => null,
        };
    }

    private static Hold HoldOf(Operation settled, JsonElement json)
    {
        var name = NameOf(json);
        var token = new FencingToken(Number(json, "fencingToken"));
        var revision = new Revision(token.Value);
        return new Hold(name.Name, settled.HoldsAs!, token, settled.Session.Session, 0, revision, default) { Space = name.Space };
    }

    private static SessionNews NewsOf(JsonElement news) => new(
        Number(news, "version"),
        news.GetProperty("mustList").GetBoolean(),
        [.. news.GetProperty("ended").EnumerateArray().Select(one => (PartOf(one), ReasonOf(one.GetProperty("reason").GetString()!)))],
        [.. news.GetProperty("began").EnumerateArray().Select(PartOf)],
        news.TryGetProperty("next", out var next) ? next.GetInt64() : null,
        ClusterTime.Never);

    private static SessionPart PartOf(JsonElement json) => new(
        NameOf(json),
        json.TryGetProperty("fencingToken", out var token) ? new FencingToken(token.GetInt64()) : FencingToken.None,
        json.TryGetProperty("seq", out var number) ? number.GetInt64() : 0);

    private static ObjectName NameOf(JsonElement json)
    {
        var name = Key.FromText(json.GetProperty("name").GetString()!);
        return json.GetProperty("kind").GetString() switch
        {
            "lock" => ObjectName.Lock(name),
            "semaphore" => ObjectName.Semaphore(name),
            "election" => ObjectName.Election(name),
            var other => throw new InvalidDataException($"there is no {other} that a session holds"),
        };
    }

    private static SessionEnd ReasonOf(string reason) => reason switch
    {
        "released" => SessionEnd.Released,
        "forced" => SessionEnd.Forced,
        "held-too-long" => SessionEnd.HeldTooLong,
        "handed-over" => SessionEnd.HandedOver,
        "wait-over" => SessionEnd.WaitOver,
        "given-up" => SessionEnd.GivenUp,
        "refused" => SessionEnd.Refused,
        _ => throw new InvalidDataException($"nothing ends under a session as {reason}"),
    };
}
