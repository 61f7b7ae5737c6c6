using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Chaos.Clients;

/// <summary>
/// What clients of sessions ask: writes of keys of their own kind, most of them only while the key is not there; locks, semaphores and
/// elections that other clients use too, and several locks at once, mostly waiting; and releases of what they hold.
/// </summary>
/// <param name="plan">Of those other clients.</param>
internal sealed class ChaosSessionPlan(CoordinationOptions plan, int client)
{
    private const int Keys = 2;

    /// <param name="number">Of the operation, unique in a round.</param>
    public Operation Next(ChaosSession session, long number, DeterministicRandom random)
    {
        var owner = string.Create(CultureInfo.InvariantCulture, $"c{client}-{number}");
        return random.Next(10) switch
        {
            0 or 1 or 2 => OfKey(session, number, random, owner),
            3 => Many(session, number, random, owner),
            4 or 5 or 6 when session.Take(random) is { } hold => Release(number, hold, session.Begin()),
            _ => Acquire(session, number, random, owner),
        };
    }

    /// <summary>
    /// A release of what it holds by whoever has the token, or by an operator: the session is told of it with its news. Null when it holds
    /// nothing.
    /// </summary>
    public Operation? Outside(ChaosSession session, long number, DeterministicRandom random) => session.Take(random) is not { } hold ? null
        : random.Chance(1, 2) ? Release(number, hold, default)
        : Make(
            OperationKind.ReleaseHold,
            number,
            hold.Name.Name.ToString(),
            new ReleaseHoldCommand(hold.Name.Name, default, Force: true) { Space = hold.Name.Space },
            default,
            hold.Name);

    public Operation Open(long number, long ttlMicros) =>
        Make(OperationKind.GrantLease, number, "", new GrantLeaseCommand(LeaseId.None, ttlMicros) { IsSession = true }, default);

    public Operation Renew(long number, LeaseId session, long since) => new()
    {
        Number = number,
        Client = client,
        Kind = OperationKind.RenewLeases,
        Object = "",
        Command = new RenewLeasesCommand([session]),
        NewsSince = since,
    };

    public Operation Revoke(long number, LeaseId session) =>
        Make(OperationKind.RevokeLease, number, "", new RevokeLeaseCommand(session), default);

    public Operation Settle(long number, Operation settles) => new()
    {
        Number = number,
        Client = client,
        Kind = OperationKind.Settle,
        Object = settles.Owner,
        Command = new SettleCommand(settles.Session.Session, settles.Session.Number),
        Settles = settles,
    };

    private Operation OfKey(ChaosSession session, long number, DeterministicRandom random, string owner)
    {
        var deletes = random.Chance(1, 3);
        var kind = deletes ? KeyConditionKind.Exists : random.Chance(2, 3) ? KeyConditionKind.Absent : KeyConditionKind.None;
        return new Operation
        {
            Number = number,
            Client = client,
            Kind = deletes ? OperationKind.Delete : OperationKind.Put,
            Object = Drawn(random, "z", Keys),
            Value = deletes ? "" : owner,
            Condition = new KeyCondition(kind),
            Session = session.Begin(),
            HasIdentity = true,
        };
    }

    private Operation Acquire(ChaosSession session, long number, DeterministicRandom random, string owner)
    {
        var name = random.Next(5) switch
        {
            0 => ObjectName.Semaphore(Key.FromText(Drawn(random, "s", plan.Names))),
            1 => ObjectName.Election(Key.FromText(Drawn(random, "e", plan.Names))),
            _ => ObjectName.Lock(Key.FromText(Drawn(random, "h", plan.Names))),
        };
        var command = new AcquireCommand(name.Name, owner, 0, LeaseId.None, session.Id, DrawWait(random))
        {
            Space = name.Space,
            Mode = name.Space == HoldSpace.Lock && random.Chance(1, 3) ? LockMode.Shared : LockMode.Exclusive,
            Count = name.Space == HoldSpace.Semaphore ? random.Next(1, plan.Permits + 1) : 1,
            Permits = name.Space == HoldSpace.Semaphore ? plan.Permits : 0,
            LockDelayMicros = DrawDelay(random),
            MaxHoldMicros = DrawMaxHold(random),
            Value = name.Space == HoldSpace.Election ? Encoding.UTF8.GetBytes(owner) : default,
        };
        return Make(OperationKind.AcquireHold, number, name.Name.ToString(), command, session.Begin(), name);
    }

    private Operation Many(ChaosSession session, long number, DeterministicRandom random, string owner)
    {
        var names = Enumerable.Range(0, plan.Names)
            .Select(i => Key.FromText(string.Create(CultureInfo.InvariantCulture, $"{plan.Prefix}h{i}")))
            .ToList();
        if (random.Chance(1, 2))
        {
            names.Reverse();
        }
        var command = new AcquireManyCommand([.. names], owner, 0, LeaseId.None, session.Id)
        {
            WaitMicros = DrawWait(random),
            LockDelayMicros = DrawDelay(random),
            MaxHoldMicros = DrawMaxHold(random),
        };
        return Make(OperationKind.AcquireMany, number, names[0].ToString(), command, session.Begin());
    }

    private Operation Release(long number, (ObjectName Name, FencingToken Token) hold, SessionRequest session) => Make(
        OperationKind.ReleaseHold,
        number,
        hold.Name.Name.ToString(),
        new ReleaseHoldCommand(hold.Name.Name, hold.Token, Force: false) { Space = hold.Name.Space },
        session,
        hold.Name,
        hold.Token.Value);

    private Operation Make(
        OperationKind kind, long number, string of, Command command, SessionRequest session, ObjectName name = default, long token = 0) => new()
        {
            Number = number,
            Client = client,
            Kind = kind,
            Object = of,
            Name = name,
            Command = command,
            Token = token,
            WaitMicros = command switch { AcquireCommand one => one.WaitMicros, AcquireManyCommand many => many.WaitMicros, _ => 0 },
            Session = session,
            HasIdentity = true,
        };

    private string Drawn(DeterministicRandom random, string prefix, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{plan.Prefix}{prefix}{random.Next(count)}");

    private static long DrawWait(DeterministicRandom random) => random.Chance(3, 4) ? random.Next(300_000, 8_000_000) : 0;

    private static long DrawDelay(DeterministicRandom random) => random.Chance(1, 6) ? random.Next(200_000, 2_000_000) : 0;

    private static long DrawMaxHold(DeterministicRandom random) => random.Chance(1, 4) ? random.Next(500_000, 4_000_000) : 0;
}
