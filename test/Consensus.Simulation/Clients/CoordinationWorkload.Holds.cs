using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Clients;

/// <summary>What is asked of locks, semaphores and elections, of leases, and of fences.</summary>
internal sealed partial class CoordinationWorkload
{
    private Operation Acquire()
    {
        if (_lost.Count > 0 && random.Chance(1, 2))
        {
            return TakeBack();
        }
        if (random.Chance(1, 6))
        {
            return AcquireMany();
        }
        var name = DrawObject();
        return AcquireOf(name, Owner);
    }

    /// <summary>The owner of a hold that was lost asks for it again, under the same name: for it the object may be kept.</summary>
    private Operation TakeBack()
    {
        var lost = _lost[(int)random.Next(_lost.Count)];
        _lost.Remove(lost);
        return AcquireOf(lost.Object, lost.Owner);
    }

    private Operation AcquireOf(ObjectName name, string owner)
    {
        var lease = DrawLease();
        var command = new AcquireCommand(
            name.Name, owner, lease.IsNone ? DrawTtl() : 0, LeaseId.None, lease, random.Chance(2, 3) ? random.Next(100_000, 5_000_000) : 0)
        {
            Space = name.Space,
            Mode = name.Space == HoldSpace.Lock && random.Chance(2, 3) ? LockMode.Shared : LockMode.Exclusive,
            Count = name.Space == HoldSpace.Semaphore ? random.Next(1, plan.Permits + 1) : 1,
            Permits = name.Space == HoldSpace.Semaphore ? _operators.PermitsOf(name) + (random.Chance(1, 20) ? 1 : 0) : 0,
            LockDelayMicros = DrawDelay(),
            MaxHoldMicros = DrawMaxHold(),
            Value = name.Space == HoldSpace.Election ? Encoding.UTF8.GetBytes(owner) : default,
            Metadata = random.Chance(1, 8) ? "{\"a\":1}"u8.ToArray() : default,
        };
        return Make(OperationKind.AcquireHold, name.Name.ToString(), command, default, name);
    }

    /// <summary>
    /// Mostly none. Else one of its own, or one that other clients use too: several requests under one lease, often for one object, each with a place and an answer of its own.
    /// </summary>
    private LeaseId DrawLease()
    {
        if (history.SharedLeases is [.., var newest] && random.Chance(1, 4))
        {
            return newest;
        }
        return _leases.Count > 0 && random.Chance(1, 3) ? _leases[(int)random.Next(_leases.Count)].Id : LeaseId.None;
    }

    private Operation AcquireMany()
    {
        var names = new SortedSet<Key>();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            names.Add(Key.FromText(Drawn("h", plan.Names)));
        }
        var lease = _leases.Count > 0 && random.Chance(1, 2) ? _leases[(int)random.Next(_leases.Count)].Id : LeaseId.None;
        var ordered = random.Chance(1, 2) ? names : names.Reverse();
        return Make(OperationKind.AcquireMany, names.Min.ToString(), new AcquireManyCommand([.. ordered], Owner, lease.IsNone ? DrawTtl() : 0, LeaseId.None, lease)
        {
            WaitMicros = random.Chance(2, 3) ? random.Next(100_000, 5_000_000) : 0,
            LockDelayMicros = DrawDelay(),
            MaxHoldMicros = DrawMaxHold(),
        });
    }

    private long DrawDelay() => random.Chance(1, 4) ? random.Next(200_000, 4_000_000) : 0;

    private long DrawMaxHold() => random.Chance(1, 5) ? random.Next(500_000, 8_000_000) : 0;

    private ObjectName DrawObject() => random.Next(4) switch
    {
        0 => ObjectName.Semaphore(Key.FromText(Drawn("s", plan.Names))),
        1 => ObjectName.Election(Key.FromText(Drawn("e", plan.Names))),
        _ => ObjectName.Lock(Key.FromText(Drawn("h", plan.Names))),
    };

    private Operation OfHold(OwnHold hold)
    {
        var name = hold.Object.Name.ToString();
        var waiting = _waiters.FindAll(waiter => waiter.Object == hold.Object);
        switch (random.Next(8))
        {
            case 0:
                _holds.Remove(hold);
                return Make(OperationKind.ReleaseHold, name, new ReleaseHoldCommand(hold.Object.Name, hold.Token, Force: false) { Space = hold.Object.Space }, hold.Token, hold.Object);
            case 1 or 2 or 3 when waiting.Count > 0 || random.Chance(1, 12):
                var to = waiting.Count > 0 ? waiting[(int)random.Next(waiting.Count)].Owner : "nobody";
                return Make(OperationKind.HandOver, name, new HandOverCommand(hold.Object.Name, hold.Token, to) { Space = hold.Object.Space }, hold.Token, hold.Object);
            case 1 or 2:
                return Make(OperationKind.ReadHold, name, null, default, hold.Object);
            default:
                return Make(OperationKind.RenewHold, name, new RenewHoldCommand(hold.Object.Name, hold.Token)
                {
                    Space = hold.Object.Space,
                    // A bare null would be a value, of no bytes.
                    Value = hold.Object.Space == HoldSpace.Election && random.Chance(1, 2) ? Encoding.UTF8.GetBytes(Owner) : default(ReadOnlyMemory<byte>?),
                }, hold.Token, hold.Object);
        }
    }

    /// <summary>An operator breaks whatever holds there are.</summary>
    private Operation Force()
    {
        var name = DrawObject();
        return Make(
            OperationKind.ReleaseHold, name.Name.ToString(), new ReleaseHoldCommand(name.Name, default, Force: true) { Space = name.Space }, default, name);
    }

    private Operation ChangePermits()
    {
        var name = ObjectName.Semaphore(Key.FromText(Drawn("s", plan.Names)));
        return Make(OperationKind.ChangePermits, name.Name.ToString(), _operators.DrawPermits(name.Name), default, name);
    }

    private Operation PutSetting()
    {
        var command = _operators.DrawSetting();
        return Make(OperationKind.PutSetting, SettingDefinition.Of(command.Setting).Name, command);
    }

    private Operation OfLeases()
    {
        if (_leases.Count == 0 || (_leases.Count < 2 && random.Chance(1, 3)))
        {
            return Make(OperationKind.GrantLease, "", new GrantLeaseCommand(LeaseId.None, DrawTtl()));
        }
        if (random.Chance(1, 8))
        {
            var lease = _leases[(int)random.Next(_leases.Count)];
            LoseLease(lease.Id);
            return Make(OperationKind.RevokeLease, "", new RevokeLeaseCommand(lease.Id));
        }
        return Make(OperationKind.RenewLeases, "", new RenewLeasesCommand([.. _leases.Select(lease => lease.Id)]));
    }

    /// <summary>Tokens of its own, newer and older ones, and now and then one that nobody can have been given yet.</summary>
    private Operation OfFence()
    {
        var name = Drawn("f", plan.Names);
        var resource = Key.FromText(name);
        switch (random.Next(20))
        {
            case 0:
                return Make(OperationKind.ResetFence, name, new ResetFenceCommand(resource));
            case < 6:
                return Make(OperationKind.ReadFence, name);
            default:
                var token = _holds.Count > 0 && random.Chance(2, 3) ? _holds[(int)random.Next(_holds.Count)].Token.Value
                    : random.Chance(1, 20) ? _seenRevision + 1_000_000
                    : Math.Max(1, _seenRevision - random.Next(30));
                return Make(OperationKind.Fence, name, new FenceCommand(resource, new(token)), new(token));
        }
    }
}
