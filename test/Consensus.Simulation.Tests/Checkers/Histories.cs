using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Hand-made histories, short to write.</summary>
internal static class Histories
{
    private static long _number;

    public static Operation Put(string key, string value, long from, long to, long revision, long version, KeyCondition condition = default) =>
        Make(OperationKind.Put, key, from, to, value: value, condition: condition).Answered(
            to, new PutDone(new Revision(revision), Key.FromText(key), new Revision(1), new Revision(revision), version, LeaseId.None));

    /// <summary>A put whose answer never came.</summary>
    public static Operation LostPut(string key, string value, long from)
    {
        var operation = Make(OperationKind.Put, key, from, long.MaxValue, value: value);
        operation.Status = OperationStatus.Unknown;
        return operation;
    }

    public static Operation ReadOf(string key, long from, long to, string? value, long revision = 0, long version = 0, long view = 0, bool stale = false)
    {
        var operation = Make(stale ? OperationKind.StaleRead : OperationKind.Read, key, from, to);
        operation.Seen = new ReadResult(Math.Max(view, revision), value, revision, version);
        return operation.Answered(to, null);
    }

    public static Operation Grant(string name, int client, long from, long to, long token, long ttl = 1_000_000, long waited = 0)
    {
        var operation = Make(OperationKind.Acquire, name, from, to, client, ttl: ttl);
        return operation.Answered(to, new HoldGranted(new Revision(token), HoldOf(name, operation.Owner, token, ttl), waited));
    }

    /// <summary>An acquire whose answer never came.</summary>
    public static Operation LostAcquire(string name, int client, long from)
    {
        var operation = Make(OperationKind.Acquire, name, from, long.MaxValue, client, ttl: 1_000_000);
        operation.Status = OperationStatus.Unknown;
        return operation;
    }

    public static Operation Held(string name, int client, long from, long to, string holder, long token) =>
        Make(OperationKind.Acquire, name, from, to, client, ttl: 1_000_000).Answered(
            to, new HoldRefused(new Revision(token), HoldOf(name, holder, token, 1_000_000), 0, 0));

    public static Operation Renewed(string name, int client, long from, long to, long token, long ttl = 1_000_000) =>
        Make(OperationKind.Renew, name, from, to, client, token, ttl).Answered(to, new HoldRenewed(new Revision(token), HoldOf(name, "", token, ttl)));

    public static Operation Released(string name, int client, long from, long to, long token) =>
        Make(OperationKind.Release, name, from, to, client, token).Answered(to, new HoldReleased(new Revision(token + 1)));

    public static void Breaks(string checker, Action check) =>
        Assert.That(Assert.Throws<SimulationFailureException>(check)!.Checker, Is.EqualTo(checker));

    public static Hold HoldOf(string name, string owner, long token, long ttl) =>
        new(Key.FromText(name), owner, new FencingToken(token), new LeaseId(1), ttl, new Revision(token), ClusterTime.Zero);

    private static Operation Make(
        OperationKind kind,
        string name,
        long from,
        long to,
        int client = 1,
        long token = 0,
        long ttl = 0,
        string value = "",
        KeyCondition condition = default) => new()
        {
            Number = ++_number,
            Client = client,
            Kind = kind,
            Object = name,
            Token = token,
            TtlMicros = ttl,
            Value = value,
            Condition = condition,
            InvokedAt = from,
            InvokedClock = from,
            ReturnedAt = to,
        };

    private static Operation Answered(this Operation operation, long to, Outcome? outcome)
    {
        operation.Status = OperationStatus.Done;
        operation.ReturnedAt = to;
        operation.Outcome = outcome;
        return operation;
    }
}
