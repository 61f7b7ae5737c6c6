using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine;

/// <summary>A log entry as the state machine sees it.</summary>
/// <param name="IsCommand">False for no-ops, time entries and configurations: only their stamp and index count.</param>
/// <param name="Payload">For a command the bytes as logged: they go into the running hash (rule 13).</param>
public readonly record struct LoggedEntry(
    LogIndex Index,
    ClusterTime Stamp,
    bool IsCommand,
    RequestId Request,
    string Principal,
    ReadOnlyMemory<byte> Payload);

/// <summary>The outcome of one request: the entry's own, or that of a request that waited.</summary>
public readonly record struct Resolution(RequestId Request, Outcome Outcome);

/// <summary>Collects what applying entries means for requests. Reused from turn to turn by its owner.</summary>
public sealed class ApplyOutput
{
    public List<Resolution> Resolutions { get; } = [];

    /// <summary>
    /// How much work it was: keys that were written, holds, waits and leases that were changed, places that were passed over, each counted
    /// once for each change. The same on every member; what a turn charges for (rule 9).
    /// </summary>
    public long Objects { get; internal set; }

    /// <summary>
    /// Beside these what takes a third as long or less: keys that were deleted or read, and changes of the history that were forgotten.
    /// </summary>
    public long Light { get; internal set; }

    public void Clear()
    {
        Resolutions.Clear();
        (Objects, Light) = (0, 0);
    }
}
