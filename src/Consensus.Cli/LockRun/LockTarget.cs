using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.LockRun;

internal sealed class LockTarget(string name, LockOptions options) : IHoldTarget
{
    public string Description => $"lock '{name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_LOCK"] = name };

    public HoldOptions Options => options;

    public async Task<Hold> AcquireAsync(
        ConsensusClient client, HoldSchedule terms, AcquireWatch watch, TimeSpan? wait, CancellationToken cancellationToken)
    {
        var handle = await client.AcquireLockAsync(
            name, options with { SafetyMargin = terms.Notice, Watch = watch }, wait, cancellationToken);
        return new Hold(this, handle, handle.FencingToken, terms);
    }
}
