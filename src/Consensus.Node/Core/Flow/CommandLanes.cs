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
    /// <summary>While both wait, bulk has one byte in ten: small commands pass it, but not for ever.</summary>
    private const long SmallBytesForOneOfBulk = 9;

    private readonly PendingQueue[] _lanes = [new(), new(), new()];

    /// <summary>Bytes of small commands that left while bulk waited, less what bulk had for them; no more than give the first of it its turn.</summary>
    private long _passed;

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

    /// <summary>
    /// Of the first in each of the two lanes that are not urgent, the one whose turn it is: the small one, until so much passed the other that it has its share. Null when there is none.
    /// </summary>
    public PendingCommand? Next(PendingCommand? small, PendingCommand? bulk) =>
        small is null || (bulk is not null && _passed >= bulk.Bytes * SmallBytesForOneOfBulk) ? bulk : small;

    /// <summary>It is proposed or forwarded: it waits no more, and counts for the shares of the lanes.</summary>
    public void Leave(PendingCommand pending)
    {
        Remove(pending);
        if (pending.Lane == CommandLane.Small)
        {
            // While bulk is kept back for a follower that is behind, small commands pass it for as long as that takes, and would all be owed to it after.
            _passed = First(CommandLane.Bulk) is { } bulk ? Math.Min(_passed + pending.Bytes, bulk.Bytes * SmallBytesForOneOfBulk) : 0;
        }
        else if (pending.Lane == CommandLane.Bulk)
        {
            _passed = Math.Max(0, _passed - (pending.Bytes * SmallBytesForOneOfBulk));
        }
    }
}
