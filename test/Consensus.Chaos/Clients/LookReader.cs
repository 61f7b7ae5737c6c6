using System.Net;
using System.Text.Json;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using static Consensus.Chaos.Clients.AnswerReader;

namespace Consensus.Chaos.Clients;

/// <summary>What reads see.</summary>
internal static class LookReader
{
    public static ReadResult Seen(Operation operation, HttpStatusCode status, long revision, JsonElement body) => (operation.Kind, status) switch
    {
        (OperationKind.ReadHold, HttpStatusCode.OK) => OfHold(operation.Name, revision, body),
        (OperationKind.ReadHold, HttpStatusCode.NotFound) when operation.Name.Space == HoldSpace.Election => new ReadResult(revision) { Holders = [], Waiters = [] },
        (OperationKind.ReadLock, HttpStatusCode.OK) => OfHold(ObjectName.Lock(operation.Key), revision, body),
        (OperationKind.ReadFence, HttpStatusCode.OK) => new ReadResult(revision, Token: Number(body, "highestToken")),
        (OperationKind.ReadKeys, HttpStatusCode.OK) => new ReadResult(revision) { Items = [.. body.GetProperty("items").EnumerateArray().Select(ItemOf)] },
        (OperationKind.ReadKeys, HttpStatusCode.Gone) => new ReadResult(revision) { CompactRevision = Number(body, "compactRevision") },
        // Of a revision that is yet to come.
        (OperationKind.ReadKeys, HttpStatusCode.BadRequest) => new ReadResult(revision),
        (OperationKind.Read or OperationKind.StaleRead, HttpStatusCode.OK) =>
            new ReadResult(revision, body.GetProperty("value").GetString(), Number(body, "modRevision"), Number(body, "version")),
        (OperationKind.Read or OperationKind.StaleRead or OperationKind.ReadFence, HttpStatusCode.NotFound) => new ReadResult(revision),
        _ => throw new InvalidDataException($"the answer {(int)status} {body} to {operation}"),
    };

    private static ReadResult OfHold(ObjectName name, long revision, JsonElement body)
    {
        var isElection = name.Space == HoldSpace.Election;
        // An election that is waited for is shown without a leader.
        var isLed = body.TryGetProperty("leader", out var leader) && leader.ValueKind != JsonValueKind.Null;
        Hold[] holders = isElection ? isLed ? [HoldReader.HoldOf(name, body)] : [] : [.. body.GetProperty("holders").EnumerateArray().Select(holder => HoldReader.HoldOf(name, holder))];
        var waiters = body.GetProperty(isElection ? "candidates" : "waiters").EnumerateArray().Select(waiter => waiter.GetProperty(isElection ? "candidate" : "owner").GetString()!);
        var first = holders.FirstOrDefault();
        return new ReadResult(revision, Holder: first?.Owner, Token: first?.Token.Value ?? 0)
        {
            Holders = holders,
            Permits = body.TryGetProperty("permits", out var permits) && permits.ValueKind == JsonValueKind.Number ? permits.GetInt64() : 0,
            Waiters = [.. waiters],
        };
    }
}
