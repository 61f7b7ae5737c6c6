using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.LockRun;

/// <summary>What is held while a command runs: a lock, permits of a semaphore, or leadership.</summary>
internal interface IHoldTarget
{
    /// <summary>For sentences: "lock 'a/b'".</summary>
    string Description { get; }

    /// <summary>What the command finds in its environment beside the fencing token.</summary>
    IReadOnlyDictionary<string, string> Variables { get; }

    /// <summary>How it is to be held.</summary>
    HoldOptions Options { get; }

    /// <summary>As the client's own: it waits for as long as it says there.</summary>
    /// <param name="terms">What is to be left when the client tells that the hold is over.</param>
    /// <param name="wait">Null: as long as it takes.</param>
    Task<Hold> AcquireAsync(
        ConsensusClient client, HoldSchedule terms, AcquireWatch watch, TimeSpan? wait, CancellationToken cancellationToken);
}
