using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core.Flow;

/// <summary>What a command waits with, in the order in which lanes are served.</summary>
public enum CommandLane
{
    /// <summary>See <see cref="Urgency"/>. Nothing but another urgent command goes before it.</summary>
    Urgent,

    /// <summary>What else is no larger than <see cref="Urgency.MaxBytes"/>.</summary>
    Small,

    Bulk,
}

/// <summary>Commands that wait to be proposed or forwarded: in each lane in the order in which they came.</summary>
internal sealed class CommandLanes
{
    private readonly PendingQueue[] _lanes = [new(), new(), new()];

    public int Count => _lanes[0].Count + _lanes[1].Count + _lanes[2].Count;

    public PendingCommand? First(CommandLane lane) => _lanes[(int)lane].First;

    public IEnumerable<PendingCommand> All
    {
        get
        {
            foreach (var lane in _lanes)
            {
                for (var pending = lane.First; pending is not null; pending = pending.Behind)
                {
                    yield return pending;
                }
            }
        }
    }

    public void Add(PendingCommand pending) => _lanes[(int)pending.Lane].Add(pending);

    /// <summary>Idempotent.</summary>
    public void Remove(PendingCommand pending) => _lanes[(int)pending.Lane].Remove(pending);
}
