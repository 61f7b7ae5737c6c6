using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.LockRun;

/// <param name="permits">How many there are in all.</param>
internal sealed class SemaphoreTarget(string name, long permits, SemaphoreOptions options) : IHoldTarget
{
    public string Description => $"semaphore '{name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_SEMAPHORE"] = name };

    public HoldOptions Options => options;

    public async Task<Hold> AcquireAsync(
        ConsensusClient client, HoldSchedule terms, AcquireWatch watch, TimeSpan? wait, CancellationToken cancellationToken)
    {
        var handle = await client.AcquireSemaphoreAsync(
            name, permits, options with { SafetyMargin = terms.Notice, Watch = watch }, wait, cancellationToken);
        return new Hold(this, handle, handle.FencingToken, terms);
    }
}
