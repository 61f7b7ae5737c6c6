using Consensus.Api.Elections;
using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.LockRun;

internal sealed class ElectionTarget(string name, CampaignOptions options) : IHoldTarget
{
    public string Description => $"leadership of '{name}'";

    public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string> { ["CONSENSUS_ELECTION"] = name };

    public HoldOptions Options => options;

    /// <summary>The answer that said "elected"; null before.</summary>
    public ApiResult<ElectedAnswer>? Elected { get; private set; }

    public async Task<Hold> AcquireAsync(
        ConsensusClient client, HoldSchedule terms, AcquireWatch watch, TimeSpan? wait, CancellationToken cancellationToken)
    {
        var handle = await client.CampaignAsync(name, options with { SafetyMargin = terms.Notice, Watch = watch }, wait, cancellationToken);
        Elected = ApiResult<ElectedAnswer>.Of(handle.Grant, watch.Grant);
        return new Hold(this, handle, handle.FencingToken, terms);
    }
}
