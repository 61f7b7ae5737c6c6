using System.Globalization;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>Plain keys, with their conditions, and exclusive locks, each with a lease of its own.</summary>
internal sealed class KeyAndLockWorkload(ClientOptions options, History history, int number, DeterministicRandom random) : Workload
{
    private readonly ClientOptions _options = options;
    private readonly History _history = history;
    private readonly DeterministicRandom _random = random;
    private readonly List<HeldLock> _held = [];
    private readonly Dictionary<string, long> _seenRevisions = [];

    public override Operation Next(long clockNow)
    {
        DropWhatIsOver(clockNow);
        if (_held.Count > 0 && _random.Chance(_options.LockWeight > 0 ? 1 : 0, 2))
        {
            return ChooseForHeld(_held[(int)_random.Next(_held.Count)]);
        }
        var total = _options.PutWeight + _options.CompareAndSetWeight + _options.DeleteWeight + _options.ReadWeight + _options.StaleReadWeight + _options.LockWeight;
        var drawn = _random.Next(total);
        if ((drawn -= _options.PutWeight) < 0)
        {
            return Write(OperationKind.Put, KeyCondition.None);
        }
        if ((drawn -= _options.CompareAndSetWeight) < 0)
        {
            return Conditional();
        }
        if ((drawn -= _options.DeleteWeight) < 0)
        {
            return Write(OperationKind.Delete, KeyCondition.None);
        }
        if ((drawn -= _options.ReadWeight) < 0)
        {
            return _random.Chance(1, 4) ? Make(OperationKind.ReadLock, LockName()) : Make(OperationKind.Read, KeyName());
        }
        return (drawn - _options.StaleReadWeight) < 0 ? Make(OperationKind.StaleRead, KeyName()) : Acquire();
    }

    private Operation ChooseForHeld(HeldLock held)
    {
        var kind = _random.Chance(1, 3) ? OperationKind.Release : OperationKind.Renew;
        if (kind == OperationKind.Release)
        {
            _held.Remove(held);
        }
        return new Operation
        {
            Number = _history.NextNumber,
            Client = number,
            Kind = kind,
            Object = held.Name,
            Token = held.Token,
            TtlMicros = held.TtlMicros,
            HasIdentity = DrawIdentity(),
        };
    }

    private Operation Acquire() => new()
    {
        Number = _history.NextNumber,
        Client = number,
        Kind = OperationKind.Acquire,
        Object = LockName(),
        TtlMicros = _random.Next(_options.ShortestTtl, _options.LongestTtl),
        WaitMicros = _random.Chance(1, 2) ? _random.Next(100_000, 5_000_000) : 0,
        HasIdentity = DrawIdentity(),
    };

    private Operation Conditional()
    {
        var name = KeyName();
        var condition = _random.Next(4) switch
        {
            0 => new KeyCondition(KeyConditionKind.Absent),
            1 => new KeyCondition(KeyConditionKind.Exists),
            _ => new KeyCondition(KeyConditionKind.ModRevisionIs, new Revision(_seenRevisions.GetValueOrDefault(name, 1))),
        };
        return Write(_random.Chance(1, 5) ? OperationKind.Delete : OperationKind.Put, condition, name);
    }

    private Operation Write(OperationKind kind, KeyCondition condition, string? name = null) => new()
    {
        Number = _history.NextNumber,
        Client = number,
        Kind = kind,
        Object = name ?? KeyName(),
        Value = kind == OperationKind.Put ? string.Create(CultureInfo.InvariantCulture, $"v{_history.NextNumber}") : "",
        Condition = condition,
        HasIdentity = DrawIdentity(),
    };

    private Operation Make(OperationKind kind, string name) =>
        new() { Number = _history.NextNumber, Client = number, Kind = kind, Object = name };

    private bool DrawIdentity() => _random.Chance(_options.IdentityPercent, 100);

    private string KeyName() => string.Create(CultureInfo.InvariantCulture, $"{_options.Prefix}k{_random.Next(_options.Keys)}");

    private string LockName() => string.Create(CultureInfo.InvariantCulture, $"{_options.Prefix}l{_random.Next(_options.Locks)}");

    public override void Learn(Operation operation, long clockNow)
    {
        if (operation.Status != OperationStatus.Done)
        {
            return;
        }
        if (operation is { IsOfLock: false, Seen: { ModRevision: > 0 } seen })
        {
            _seenRevisions[operation.Object] = seen.ModRevision;
        }
        switch (operation.Outcome)
        {
            case PutDone put:
                _seenRevisions[operation.Object] = put.ModRevision.Value;
                break;
            case HoldGranted granted:
                _held.Add(new HeldLock(
                    operation.Object, granted.Hold.Token.Value, operation.TtlMicros, PromisedUntil(operation.InvokedClock, operation.TtlMicros + granted.WaitedMicros)));
                break;
            case HoldRenewed renewed:
                var at = _held.FindIndex(h => h.Token == renewed.Hold.Token.Value);
                if (at >= 0)
                {
                    _held[at] = _held[at] with { Deadline = Math.Max(_held[at].Deadline, PromisedUntil(operation.InvokedClock, operation.TtlMicros)) };
                }
                break;
            case NotHolder:
                _held.RemoveAll(h => h.Token == operation.Token);
                break;
            default:
                break;
        }
    }

    /// <summary>Most holders stop at their deadline; some ask on, to hear that they are too late.</summary>
    private void DropWhatIsOver(long clockNow)
    {
        if (_random.Chance(3, 4))
        {
            _held.RemoveAll(h => h.Deadline <= clockNow);
        }
    }

    private readonly record struct HeldLock(string Name, long Token, long TtlMicros, long Deadline);
}
