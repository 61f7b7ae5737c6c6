using System.Globalization;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>Transactions, holds of all kinds, leases of their own, fences: see <see cref="CoordinationOptions"/>.</summary>
internal sealed partial class CoordinationWorkload(
    CoordinationOptions plan, ClientOptions options, History history, int number, DeterministicRandom random) : Workload
{
    private readonly OperatorActs _operators = new(plan, random);
    private readonly List<OwnLease> _leases = [];
    private readonly List<OwnHold> _holds = [];

    /// <summary>Holds that ended against its will: their owner's name may take them back.</summary>
    private readonly List<OwnHold> _lost = [];

    /// <summary>Owners that were seen to wait.</summary>
    private readonly List<(ObjectName Object, string Owner)> _waiters = [];

    private long _seenRevision = 1;

    public override Operation Next(long clockNow)
    {
        if (random.Chance(3, 4))
        {
            // Most stop at their deadline; some ask on, to hear that they are too late.
            _holds.RemoveAll(hold => hold.Deadline <= clockNow);
            _leases.RemoveAll(lease => lease.Deadline <= clockNow);
        }
        var drawn = random.Next(
            plan.PrefixDeleteWeight + plan.TransactionWeight + plan.ReadWeight + plan.HoldWeight + plan.LeaseWeight + plan.FenceWeight + plan.ForceWeight
            + plan.PermitWeight + plan.SettingWeight);
        if ((drawn -= plan.PrefixDeleteWeight) < 0)
        {
            return PrefixDelete();
        }
        if ((drawn -= plan.TransactionWeight) < 0)
        {
            return Transaction();
        }
        if ((drawn -= plan.ReadWeight) < 0)
        {
            return Read();
        }
        if ((drawn -= plan.HoldWeight) < 0)
        {
            return _holds.Count > 0 && random.Chance(2, 3) ? OfHold(_holds[(int)random.Next(_holds.Count)]) : Acquire();
        }
        if ((drawn -= plan.LeaseWeight) < 0)
        {
            return OfLeases();
        }
        if ((drawn -= plan.FenceWeight) < 0)
        {
            return OfFence();
        }
        if ((drawn -= plan.PermitWeight) < 0)
        {
            return ChangePermits();
        }
        return (drawn - plan.SettingWeight) < 0 ? PutSetting() : Force();
    }

    public override void Learn(Operation operation, long clockNow)
    {
        if (operation.Status != OperationStatus.Done)
        {
            return;
        }
        LearnKeys(operation);
        _operators.Learn(operation);
        _seenRevision = Math.Max(_seenRevision, Math.Max(operation.Seen?.ViewRevision ?? 0, operation.Outcome?.Revision.Value ?? 0));
        switch (operation.Outcome)
        {
            case LeaseGranted granted:
                _leases.Add(new OwnLease(granted.Id, granted.TtlMicros, PromisedUntil(operation.InvokedClock, granted.TtlMicros)));
                if (random.Chance(1, 2))
                {
                    history.SharedLeases.Add(granted.Id);
                }
                break;
            case LeasesRenewed renewed:
                LearnRenewals(operation, renewed);
                break;
            case LeaseMissing missing:
                LoseLease(missing.Id);
                break;
            case HoldGranted granted when operation.Command is AcquireCommand acquire:
                Took(operation, granted.Hold, acquire.SharedLease.IsNone ? acquire.TtlMicros + granted.WaitedMicros : 0, acquire.LockDelayMicros);
                break;
            case ManyGranted many when operation.Command is AcquireManyCommand acquire:
                foreach (var hold in many.Holds)
                {
                    Took(operation, hold, acquire.SharedLease.IsNone ? acquire.TtlMicros + many.WaitedMicros : 0, acquire.LockDelayMicros);
                }
                break;
            case HoldRenewed renewed:
                var at = _holds.FindIndex(hold => hold.Token == renewed.Hold.Token);
                if (at >= 0)
                {
                    _holds[at] = _holds[at] with { Deadline = Math.Max(_holds[at].Deadline, PromisedUntil(operation.InvokedClock, renewed.Hold.TtlMicros)) };
                }
                break;
            case NotHolder { Loss: { } loss }:
                _lost.AddRange(_holds.Where(hold => hold.Token == loss.Token));
                _holds.RemoveAll(hold => hold.Token == loss.Token);
                break;
            case HandedOver or HoldReleased or NotHolder when operation.Token > 0:
                _holds.RemoveAll(hold => hold.Token.Value == operation.Token);
                break;
            default:
                break;
        }
        if (operation.Seen?.Waiters is { } waiters && operation.Command is null)
        {
            _waiters.RemoveAll(waiter => waiter.Object == operation.Name);
            _waiters.AddRange(waiters.Select(owner => (operation.Name, owner)));
        }
    }

    private void LearnRenewals(Operation operation, LeasesRenewed renewed)
    {
        foreach (var renewal in renewed.Renewals)
        {
            if (!renewal.Alive)
            {
                LoseLease(renewal.Id);
                continue;
            }
            var deadline = PromisedUntil(operation.InvokedClock, renewal.TtlMicros);
            for (var i = 0; i < _leases.Count; i++)
            {
                _leases[i] = _leases[i].Id == renewal.Id ? _leases[i] with { Deadline = Math.Max(_leases[i].Deadline, deadline) } : _leases[i];
            }
            for (var i = 0; i < _holds.Count; i++)
            {
                _holds[i] = _holds[i].Lease == renewal.Id ? _holds[i] with { Deadline = Math.Max(_holds[i].Deadline, deadline) } : _holds[i];
            }
        }
    }

    private void LoseLease(LeaseId id)
    {
        _leases.RemoveAll(lease => lease.Id == id);
        history.SharedLeases.Remove(id);
        _lost.AddRange(_holds.Where(hold => hold.Lease == id));
        _holds.RemoveAll(hold => hold.Lease == id);
    }

    private void Took(Operation operation, Hold hold, long micros, long lockDelayMicros)
    {
        // Under a lease that is another's it hears of no deadline, and asks on for a while.
        var at = _leases.FindIndex(lease => lease.Id == hold.Lease);
        var deadline = micros == 0 && at >= 0 ? _leases[at].Deadline : PromisedUntil(operation.InvokedClock, micros > 0 ? micros : options.LongestTtl);
        _holds.Add(new OwnHold(hold.Object, hold.Token, hold.Lease, hold.Owner, deadline, lockDelayMicros > 0));
    }

    private Operation Make(
        OperationKind kind, string name, Command? command = null, FencingToken token = default, ObjectName of = default, Revision atRevision = default) => new()
        {
            Number = history.NextNumber,
            Client = number,
            Kind = kind,
            Object = name,
            Command = command,
            Token = token.Value,
            Name = of,
            AtRevision = atRevision,
            TtlMicros = command is AcquireCommand acquire ? acquire.TtlMicros : 0,
            WaitMicros = command switch { AcquireCommand one => one.WaitMicros, AcquireManyCommand many => many.WaitMicros, _ => 0 },
            HasIdentity = command is not null && random.Chance(options.IdentityPercent, 100),
        };

    private string Owner => string.Create(CultureInfo.InvariantCulture, $"c{number}-{history.NextNumber}");

    private long DrawTtl() => random.Next(options.ShortestTtl, options.LongestTtl);

    private string Drawn(string prefix, int count) => string.Create(CultureInfo.InvariantCulture, $"{plan.Prefix}{prefix}{random.Next(count)}");

    private Key DrawKey() => Key.FromText(Drawn(KeyName, plan.Keys));

    private readonly record struct OwnLease(LeaseId Id, long TtlMicros, long Deadline);

    private readonly record struct OwnHold(ObjectName Object, FencingToken Token, LeaseId Lease, string Owner, long Deadline, bool HasDelay);
}
