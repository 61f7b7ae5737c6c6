using System.Diagnostics;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Clients;

/// <summary>
/// What all clients of one round asked and were answered, and the checkers' judgement of it. One clock for all: the clients run in this process, and the
/// members' clocks are this machine's. Any thread.
/// </summary>
internal sealed class Record
{
    private static readonly SimulatedClock TrueClock = new(0);

    private readonly Lock _gate = new();
    private readonly History _history = new();
    private readonly ClockBounds _bounds = new();
    private readonly LeasePromise _leases;
    private readonly RetryOnce _retries = new();
    private readonly long _started = Stopwatch.GetTimestamp();

    public Record() => _leases = new LeasePromise(_bounds);

    /// <summary>Microseconds since the round began.</summary>
    public long Now => (long)Stopwatch.GetElapsedTime(_started).TotalMicroseconds;

    public IReadOnlyList<Operation> Operations => _history.Operations;

    public int Undecided { get; private set; }

    public long LeasesJudged => _leases.Judged;

    /// <param name="make">Given the operation's number.</param>
    public Operation Invoke(Func<long, Operation> make)
    {
        lock (_gate)
        {
            var operation = make(_history.NextNumber);
            operation.InvokedAt = Now;
            operation.InvokedClock = operation.InvokedAt;
            _history.Invoked(operation);
            return operation;
        }
    }

    public void Return(Operation operation, OperationStatus status, Outcome? outcome, ReadResult? seen)
    {
        lock (_gate)
        {
            operation.Status = status;
            operation.Outcome = outcome;
            operation.Seen = seen;
            operation.ReturnedAt = status == OperationStatus.Done ? Now : long.MaxValue;
            if (status != OperationStatus.Done)
            {
                return;
            }
            _retries.Answered(operation);
            _leases.Acknowledged(operation, TrueClock);
            if (outcome is NotHolder { Loss: { Reason: LossReason.Expired } loss })
            {
                _leases.SeenExpired(loss.Token.Value, operation.ReturnedAt);
            }
        }
    }

    /// <summary>Once nobody asks any more. Throws what a broken promise throws.</summary>
    public void Check()
    {
        RevisionsIncrease.Check(_history.Operations);
        TokensIncrease.Check(_history.Operations);
        new OneHolder(_bounds).Check(_history.Operations, _ => TrueClock);
        Undecided = ObjectHistories.Check(_history.Operations, _leases.PromisedUntil);
    }
}
