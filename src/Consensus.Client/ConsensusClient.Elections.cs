using System.Runtime.CompilerServices;
using Consensus.Client.Transport;

namespace Consensus.Client;

public sealed partial class ConsensusClient
{
    /// <inheritdoc/>
    public async Task<LeadershipHandle> CampaignAsync(
        string election, CampaignOptions? options = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var (grant, hold) = await AcquireAsync(_orders.Election(election, options ?? new CampaignOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return new LeadershipHandle(_writes, _keeper, grant, hold);
    }

    /// <inheritdoc/>
    public async Task<LeadershipHandle?> TryCampaignAsync(
        string election, CampaignOptions? options = null, TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        var taken = await TryAcquireAsync(_orders.Election(election, options ?? new CampaignOptions()), timeout, cancellationToken).ConfigureAwait(false);
        return taken is { } got ? new LeadershipHandle(_writes, _keeper, got.Grant, got.Hold) : null;
    }

    /// <inheritdoc/>
    public async Task<ElectionState> GetLeaderAsync(string election, CancellationToken cancellationToken = default)
    {
        // Not a GET, which is 404 without a revision when nobody leads: the first message of a watch is the present state with its revision.
        await foreach (var state in ObserveLeaderAsync(election, cancellationToken).ConfigureAwait(false))
        {
            return state;
        }
        throw new ConsensusException(new ApiProblem(ApiFailureKind.Unavailable, 0, "", $"Nothing was told of the election '{election}'."));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ElectionState> ObserveLeaderAsync(
        string election, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        WellFormed.Name(election);
        ElectionState? last = null;
        for (var ended = 1; ; ended++)
        {
            await foreach (var message in _api.WatchElectionAsync(election, null, cancellationToken).ConfigureAwait(false))
            {
                // After what was compacted it begins with the present leader again, who may be the one told last.
                if (message is WatchLeader { Election: var data } && ElectionState.Of(data) is var state && state != last)
                {
                    (last, ended) = (state, 0);
                    yield return state;
                }
            }

            // Whoever answers "compacted" to a watch that begins with the present answers it again: it is not asked as fast as it can answer.
            await Task.Delay(RetryPause.After(Math.Max(1, ended)), _time, cancellationToken).ConfigureAwait(false);
        }
    }
}
