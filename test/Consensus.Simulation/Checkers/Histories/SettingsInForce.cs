using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// Every command is judged by the settings where it stands in the log: those that the first member brought that announced itself, and what
/// operators changed of them since. Whatever a
/// member was started with, nobody is refused by it, and nobody passes a bound that is in force.
/// </summary>
/// <param name="limits">In force before the first announcement.</param>
internal sealed class SettingsInForce(Limits limits)
{
    public const string Name = "settings in force";

    private readonly HashSet<Setting> _set = [];

    /// <summary>What was in force at any time, so far, of each bound that is told.</summary>
    private readonly HashSet<(BoundKind Bound, long Limit)> _ever = [];
    private readonly HashSet<Operation> _answered = [];
    private Limits _inForce = limits;
    private bool _isAnnounced;

    public void Saw(AppliedEntry entry)
    {
        Judge(entry);
        switch (entry.Command)
        {
            case AnnounceMemberCommand announced when !_isAnnounced:
                _isAnnounced = true;
                foreach (var value in announced.Settings.Where(value => !_set.Contains(value.Setting)))
                {
                    Set(value.Setting, value.Value);
                }
                break;
            case PutSettingCommand logged when entry.Outcome is SettingPut && IsFirst(entry):
                var asked = entry.Asked?.Command as PutSettingCommand ?? logged;
                Set(asked.Setting, asked.Value);
                break;
            default:
                break;
        }
        foreach (var bound in (BoundKind[])[BoundKind.Leases, BoundKind.Locks, BoundKind.Waiters, BoundKind.Fences])
        {
            _ever.Add((bound, LimitOf(bound)));
        }
    }

    /// <summary>A client was answered by a member.</summary>
    public void Answered(Operation operation) =>
        Violation.Unless(operation.Outcome is not BoundReached { Bound: BoundKind.Leases or BoundKind.Locks or BoundKind.Fences } full || _ever.Contains((full.Bound, full.Limit)), Name, () =>
            $"{operation} was refused by a bound that never was in force");

    private void Judge(AppliedEntry entry)
    {
        switch (entry.Command, entry.Outcome)
        {
            case (PutSettingCommand logged, SettingPut or SettingOutOfRange):
                var takes = SettingDefinition.Of(logged.Setting).Takes(logged.Value);
                Violation.Unless(takes == entry.Outcome is SettingPut, Name, () => $"{entry} was answered {entry.Outcome}");
                break;
            case (_, BoundReached { Bound: BoundKind.Leases or BoundKind.Locks or BoundKind.Fences } full) when IsFirst(entry):
                Violation.Unless(
                    full.Limit == LimitOf(full.Bound), Name, () => $"{entry} was answered {full}; in force are {LimitOf(full.Bound)}");
                // Whoever waits is granted first what time made possible.
                var leases = Math.Max(entry.Before.Counts.Leases, entry.After.Counts.Leases);
                Violation.Unless(
                    full.Bound != BoundKind.Leases || leases >= full.Limit,
                    Name,
                    () => $"{entry} was answered {full}; there were {leases} leases");
                break;
            case (GrantLeaseCommand grant, LeaseGranted) when entry.Before.GetLease(grant.Id) is null && entry.After.GetLease(grant.Id) is not null:
                Violation.Unless(entry.Before.Counts.Leases < _inForce.MaxLeases, Name, () =>
                    $"{entry} made a lease beside {entry.Before.Counts.Leases}; in force are {_inForce.MaxLeases}");
                break;
            case (AcquireCommand, HoldQueued):
                Violation.Unless(entry.After.Counts.Waiters <= Math.Max(entry.Before.Counts.Waiters, _inForce.MaxWaiters), Name, () =>
                    $"after {entry} {entry.After.Counts.Waiters} wait; in force are {_inForce.MaxWaiters}");
                break;
            default:
                break;
        }
    }

    /// <summary>False for what is told again, as it was.</summary>
    private bool IsFirst(AppliedEntry entry) =>
        entry.Asked is not { } asked || (!asked.HasIdentity && asked.Session.IsNone) || _answered.Add(asked);

    private void Set(Setting setting, long value)
    {
        _set.Add(setting);
        _inForce = SettingDefinition.Of(setting).In(_inForce, value);
    }

    private long LimitOf(BoundKind bound) => bound switch
    {
        BoundKind.Leases => _inForce.MaxLeases,
        BoundKind.Locks => _inForce.MaxObjects,
        BoundKind.Fences => _inForce.MaxFences,
        _ => _inForce.MaxWaiters,
    };
}
