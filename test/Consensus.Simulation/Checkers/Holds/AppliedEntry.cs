using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>One command of the log, as the reference replica applied it.</summary>
/// <param name="Asked">The operation of a client that it is an attempt of; null for the members' own.</param>
/// <param name="Outcome">Of the command itself.</param>
/// <param name="Granted">Requests that were granted something in this entry, with what they had asked for where a client had.</param>
/// <param name="Before">The state before it.</param>
/// <param name="After">The state after it.</param>
internal sealed record AppliedEntry(
    LogIndex Index,
    ClusterTime Stamp,
    Command Command,
    Operation? Asked,
    Outcome Outcome,
    IReadOnlyList<(RequestId Request, Operation? Asked, Hold Hold)> Granted,
    StateView Before,
    StateView After)
{
    /// <summary>The attempt that it is of.</summary>
    public RequestId Request { get; init; }

    /// <summary>The number of a session that stands in the log with it; none without one.</summary>
    public SessionRequest Session { get; init; }

    /// <summary>Waiting requests whose places were taken over in this entry; null for one that is not known.</summary>
    public IReadOnlyList<Operation?> TakenOver { get; init; } = [];

    /// <summary>What the client asked for whose request was granted this hold in this entry; null where it is not known.</summary>
    public Command? AskedFor(Hold hold)
    {
        foreach (var (_, asked, granted) in Granted)
        {
            if (granted.Token == hold.Token)
            {
                return asked?.Command;
            }
        }
        return null;
    }

    /// <summary>True when the entry withdrew the request to which this lease was granted, and with it what hangs on the lease.</summary>
    public bool WithdrewLease(LeaseId lease) =>
        Command is WithdrawCommand && Asked?.Withdraws?.Command is GrantLeaseCommand && Before.GetLease(lease) is not null && After.GetLease(lease) is null;

    public override string ToString() => $"entry {Index} at {Stamp}: {CommandText.Of(Command)}";
}

/// <summary>What an entry did with one lock, semaphore or election.</summary>
/// <param name="Begun">New holds, in the order of their tokens.</param>
/// <param name="Ended">Holds that are no more.</param>
internal sealed record HoldStep(ObjectName Name, HeldObject Before, HeldObject After, IReadOnlyList<Hold> Begun, IReadOnlyList<Hold> Ended);
