using Consensus.Primitives;
using Consensus.StateMachine.Commands;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>Commands drawn so that they meet each other: few names, owners and leases, and tokens that are mostly those of present holds.</summary>
internal static class DrawnCommands
{
    /// <summary>Leases that a hold brought with it have numbers from here on.</summary>
    public const long FirstOwnLease = 1000;

    private static readonly string[] Names = ["a", "a/b", "b", "c"];
    private static readonly string[] Owners = ["o1", "o2", "o3"];

    public static Command Draw(DeterministicRandom random, Machine machine)
    {
        var name = Machine.Key(Names[random.Next(Names.Length)]);
        var space = (HoldSpace)random.Next(3);
        var lease = new LeaseId(random.Next(1, 6));
        var holders = machine.View.GetObject(new ObjectName(space, name)).Holders;
        var hold = holders.IsEmpty ? null : holders[(int)random.Next(holders.Length)];
        var token = hold is not null && random.Chance(3, 4) ? hold.Token : new FencingToken(random.Next(1, 20));
        return random.Next(25) switch
        {
            0 => new PutCommand(name, new byte[random.Next(20)], random.Chance(1, 2) ? lease : LeaseId.None, KeyCondition.None),
            1 => new PutCommand(name, default, hold?.Lease ?? LeaseId.None, new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(random.Next(1, 10)))),
            2 => new DeleteCommand(name, random.Chance(1, 2) ? KeyCondition.None : new KeyCondition(KeyConditionKind.Exists)),
            3 => new DeletePrefixCommand(name),
            4 => new GrantLeaseCommand(lease, random.Next(1, 5_000_000)) { IsSession = random.Chance(2, 3) },
            5 => new RenewLeasesCommand([lease, new LeaseId(99)]),
            6 => new RevokeLeaseCommand(random.Chance(1, 4) && hold is not null ? hold.Lease : lease),
            >= 7 and <= 10 => Own(Acquire(random, name, space), random),
            11 => Acquire(random, name, space) with { TtlMicros = 0, SharedLease = hold is not null && random.Chance(1, 3) ? hold.Lease : lease },
            12 => new RenewHoldCommand(name, token) { Space = space, Value = random.Chance(1, 2) ? new byte[random.Next(3)] : (ReadOnlyMemory<byte>?)null },
            13 => new ReleaseHoldCommand(name, token, Force: random.Chance(1, 5)) { Space = space },
            14 => random.Chance(1, 3)
                ? new ReleaseHoldCommand(name, FencingToken.None, Force: true) { Space = space }
                : new ReleaseHoldCommand(name, token, Force: false) { Space = space },
            15 => random.Chance(1, 2)
                ? new CancelWaitCommand(name, Machine.Request(random.Next(1, 200)), CancelReason.Disconnected) { Space = space }
                : new DetachWaitersCommand(new MemberId(1), 1),
            16 => new HandOverCommand(name, token, Owners[random.Next(Owners.Length)]) { Space = space },
            17 or 23 => random.Chance(1, 4) ? UnderLease(Many(random), lease) : Many(random),
            18 => new TxnCommand(
                random.Chance(1, 2) ? [new TxnCompare(CompareTarget.Hold, CompareOperator.Equal, name, token.Value, default, space)] : [],
                [new TxnPut(name, new byte[random.Next(20)], random.Chance(1, 2) ? lease : LeaseId.None), new TxnGet(default, IsPrefix: true, 0)],
                [new TxnDelete(name, random.Chance(1, 2))]),
            19 => random.Chance(1, 5) ? new ResetFenceCommand(name) : new FenceCommand(name, token),
            20 when random.Chance(1, 4) => new CompactCommand(new Revision(random.Next(1, machine.State.Revision.Value + 1))),
            22 when space == HoldSpace.Semaphore => new ChangePermitsCommand(name, random.Next(1, 6)),
            21 => random.Chance(1, 2) ? new WithdrawCommand(Machine.Key($"id{random.Next(30)}")) : new SettleCommand(lease, random.Next(1, 15)),
            _ => new ExpireCommand(),
        };
    }

    /// <summary>A number of a session for one command in so many, often one that was used before; a hold that is asked for with it mostly hangs on the session.</summary>
    public static (Command Command, SessionRequest Session) Number(DeterministicRandom random, Machine machine, Command command)
    {
        var sessions = machine.View.ListLeases(LeaseId.None).Where(l => machine.View.GetSession(l.Id) is not null).Select(l => l.Id).ToList();
        if (sessions.Count == 0 || !random.Chance(1, 3))
        {
            return (command, default);
        }
        var session = sessions[(int)random.Next(sessions.Count)];
        var known = machine.View.GetSession(session)!;
        var number = Math.Max(1, known.Highest + random.Next(-3, 3));
        var request = new SessionRequest(session, number, random.Chance(1, 2) ? 0 : Math.Max(0, known.Acked + random.Next(-1, 3)));
        return (random.Chance(4, 5) ? UnderLease(command, session) : command, request);
    }

    private static Command UnderLease(Command command, LeaseId lease) => command switch
    {
        AcquireCommand c => c with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = lease },
        AcquireManyCommand c => c with { TtlMicros = 0, OwnLease = LeaseId.None, SharedLease = lease },
        _ => command,
    };

    private static AcquireCommand Acquire(DeterministicRandom random, Key name, HoldSpace space) =>
        new(name, Owners[random.Next(Owners.Length)], random.Next(1, 5_000_000), LeaseId.None, LeaseId.None, random.Next(3) * 2_000_000)
        {
            Space = space,
            Mode = random.Chance(2, 3) ? LockMode.Shared : LockMode.Exclusive,
            Count = space == HoldSpace.Semaphore ? random.Next(1, 4) : 1,
            Permits = space == HoldSpace.Semaphore ? (random.Chance(1, 10) ? 4 : 3) : 0,
            LockDelayMicros = random.Chance(1, 3) ? random.Next(1, 3_000_000) : 0,
            MaxHoldMicros = random.Chance(1, 4) ? random.Next(1, 4_000_000) : 0,
            Metadata = new byte[random.Chance(1, 4) ? random.Next(1, 5) : 0],
            Value = new byte[random.Next(4)],
        };

    private static AcquireCommand Own(AcquireCommand command, DeterministicRandom random) => command with { OwnLease = OwnLease(random) };

    private static AcquireManyCommand Many(DeterministicRandom random)
    {
        var names = Enumerable.Range(0, (int)random.Next(1, 4)).Select(_ => Machine.Key(Names[random.Next(Names.Length)]));
        var asked = random.Chance(1, 10) ? names : names.Distinct();
        var (owner, ttl) = (Owners[random.Next(Owners.Length)], random.Next(1, 5_000_000));
        return new AcquireManyCommand([.. asked], owner, ttl, OwnLease(random), LeaseId.None)
        {
            WaitMicros = random.Next(3) * 2_000_000,
            LockDelayMicros = random.Chance(1, 3) ? random.Next(1, 3_000_000) : 0,
            MaxHoldMicros = random.Chance(1, 4) ? random.Next(1, 4_000_000) : 0,
        };
    }

    private static LeaseId OwnLease(DeterministicRandom random) => new(random.Next(FirstOwnLease, 1_000_000));
}
