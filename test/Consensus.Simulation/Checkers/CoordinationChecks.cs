using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Checkers;

/// <summary>Shows each entry of the log to the checkers of transactions and holds, as the first member applies it, and judges what clients saw at the end.</summary>
/// <param name="limits">Those that members are to have.</param>
/// <param name="isOver">
/// True when nobody waits for an attempt any more: its client left, its member answered it, or its process ended or stops.
/// </param>
internal sealed class CoordinationChecks(
    WatchOptions watches, LeasePromise leases, ClockBounds bounds, Func<long> now, Limits limits, Func<RequestId, bool> isOver)
{
    private readonly HoldSteps _steps = new();
    private readonly HoldsFit _fit = new();
    private readonly LockDelays _delays = new();
    private readonly MaxHolds _maxHolds = new();
    private readonly GrantOrder _order = new();
    private readonly WaitingMultiLocks _waitingMultiLocks = new();
    private readonly Transactions _transactions = new(CoordinationWorkload.KeyName);
    private readonly SessionPlaces _places = new();
    private readonly Detachments _detachments = new(isOver);
    private readonly PermitChanges _permits = new();
    private readonly SettingsInForce _settings = new(limits);

    /// <summary>True times at which holds were broken by an operator, by token.</summary>
    private readonly Dictionary<long, long> _brokenAt = [];

    /// <summary>Told what members tell of sessions; null when nobody looks.</summary>
    public NewsTold? News { get; } = watches.Sees(NewsTold.Name) ? new NewsTold(limits) : null;

    /// <summary>Told which attempts their clients left; null when nobody looks.</summary>
    public LeftHolds? Left { get; init; }

    public SessionLives? Lives { get; } = watches.Sees(SessionLives.Name) ? new SessionLives() : null;

    public void Applied(AppliedEntry entry, IReadOnlyList<Change> changes)
    {
        if (watches.Sees(Transactions.Name))
        {
            _transactions.Applied(entry, changes);
        }
        if (watches.Sees(Places.Name))
        {
            Places.Saw(entry);
        }
        _delays.Heard(entry);
        var steps = _steps.Of(entry);
        foreach (var step in steps)
        {
            Saw(entry, step);
        }
        if (watches.Sees(HoldsFit.Name))
        {
            _fit.Granted(entry, steps.SelectMany(step => step.Begun));
        }
        if (watches.Sees(MultiLocks.Name))
        {
            MultiLocks.Saw(entry, steps);
        }
        if (watches.Sees(WaitingMultiLocks.Name))
        {
            _waitingMultiLocks.Saw(entry, steps);
        }
        if (watches.Sees(MaxHolds.Name))
        {
            _maxHolds.Passed(entry);
        }
        if (watches.Sees(SettingsInForce.Name))
        {
            _settings.Saw(entry);
        }
        News?.Saw(entry, steps);
        Lives?.Saw(entry);
        Left?.Saw(entry);
        if (entry.Command is ExpireCommand && watches.Sees(LeasePromise.Name))
        {
            LeasesEnded(entry);
        }
    }

    /// <summary>All members run and are equal, nothing goes wrong but that leaders are killed, and no client asks for anything any more.</summary>
    public void HealedAt(ClusterTime stamp) => _maxHolds.HealedAt(stamp);

    /// <summary>A client was answered.</summary>
    public void Answered(Operation operation, VirtualClient client)
    {
        if (watches.Sees(SettingsInForce.Name))
        {
            _settings.Answered(operation);
        }
        if (!watches.Sees(LeasePromise.Name))
        {
            return;
        }
        foreach (var (lease, micros) in operation.Promises)
        {
            leases.Promised(lease.Value, operation, micros, client.Clock);
        }
    }

    /// <summary>Returns how many histories could not be decided.</summary>
    public int Check(IReadOnlyList<Operation> operations, Func<int, VirtualClient> clientOf)
    {
        if (watches.Sees(Transactions.Name))
        {
            _transactions.CheckReads(operations);
        }
        if (watches.Sees(GuardedWrites.Name))
        {
            GuardedWrites.Check(operations);
        }
        if (watches.Sees(HoldersFit.Name))
        {
            new HoldersFit(bounds).Check(operations, number => clientOf(number).Clock, _brokenAt);
        }
        if (watches.Sees(HoldsByRevision.Name))
        {
            HoldsByRevision.Check(operations);
        }
        return watches.Sees(Fences.Name) ? Fences.Check(operations) : 0;
    }

    private void Saw(AppliedEntry entry, HoldStep step)
    {
        if (watches.Sees(HoldsFit.Name))
        {
            _fit.Saw(entry, step);
        }
        if (watches.Sees(LockDelays.Name))
        {
            _delays.Saw(entry, step);
        }
        if (watches.Sees(MaxHolds.Name))
        {
            _maxHolds.Saw(entry, step);
        }
        if (watches.Sees(HoldEnds.Name))
        {
            HoldEnds.Saw(entry, step);
        }
        if (watches.Sees(HandOvers.Name))
        {
            HandOvers.Saw(entry, step);
        }
        if (watches.Sees(GrantOrder.Name))
        {
            _order.Saw(entry, step);
        }
        if (watches.Sees(SessionPlaces.Name))
        {
            _places.Saw(entry, step);
        }
        if (watches.Sees(Detachments.Name))
        {
            _detachments.Saw(entry, step);
        }
        if (watches.Sees(PermitChanges.Name))
        {
            _permits.Saw(entry, step);
        }
        if (entry.Command is ReleaseHoldCommand { Force: true })
        {
            foreach (var hold in step.Ended)
            {
                _brokenAt.TryAdd(hold.Token.Value, now());
            }
        }
    }

    private void LeasesEnded(AppliedEntry entry)
    {
        foreach (var lease in entry.Before.ListLeases(LeaseId.None))
        {
            if (lease.Deadline <= entry.Stamp && entry.After.GetLease(lease.Id) is null)
            {
                leases.SeenExpired(lease.Id.Value, now());
            }
        }
    }
}
