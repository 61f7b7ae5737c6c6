using Consensus.Api;
using Consensus.Api.Elections;
using Consensus.Api.Locks;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>Stands for election and waits in line for as long as the wish says.</summary>
    public Task<ApiResult<ElectedAnswer>> CampaignAsync(CampaignWish wish, CancellationToken cancellationToken) =>
        ((IConsensusApi)this).CampaignAsync(wish, IdentityOf(wish?.IdempotencyKey), cancellationToken);

    Task<ApiResult<ElectedAnswer>> IConsensusApi.CampaignAsync(CampaignWish wish, RequestIdentity identity, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wish);
        var body = new CampaignRequest
        {
            Candidate = wish.Candidate,
            Value = wish.Value,
            Ttl = Optional(wish.Ttl),
            Lease = wish.Lease,
            LockDelay = Optional(wish.LockDelay),
            MaxHold = Optional(wish.MaxHold),
            Metadata = Raw(wish.Metadata),
        };
        var request = AcquireRequest(ElectionTarget(wish.Name, ""), identity, wish.Wait, wait =>
            RequestJson.Encode(body with { Wait = wait }, RequestJson.Types.CampaignRequest, nameof(wish)));
        return SendAsync(request, ClientJson.Default.ElectedAnswer, cancellationToken);
    }

    /// <summary>Renews the leadership and proclaims another value, which observers are told.</summary>
    public Task<ApiResult<LeadershipAnswer>> ProclaimAsync(string name, long fencingToken, string value, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Put,
            Target = ElectionTarget(name, ""),
            Body = RequestJson.Encode(new ProclaimRequest(fencingToken, value), RequestJson.Types.ProclaimRequest, nameof(value)),
        };
        return SendAsync(request, ClientJson.Default.LeadershipAnswer, cancellationToken);
    }

    /// <summary>Renews the leadership's whole lease, as <see cref="RenewLockAsync"/> does.</summary>
    public Task<ApiResult<LeadershipAnswer>> RenewLeadershipAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        SendAsync(RenewRequest(ElectionTarget(name, ""), fencingToken), ClientJson.Default.LeadershipAnswer, cancellationToken);

    /// <summary>Gives leadership up. Again is a success; what was lost is refused.</summary>
    public Task<ApiResult<EmptyAnswer>> ResignAsync(string name, long fencingToken, CancellationToken cancellationToken) =>
        DeleteHoldAsync(ElectionTarget(name, TokenQuery(fencingToken)), cancellationToken);

    /// <summary>Ends a leadership, whoever has it: an operator's act.</summary>
    public Task<ApiResult<EmptyAnswer>> ForceResignAsync(string name, long? fencingToken, CancellationToken cancellationToken) =>
        DeleteHoldAsync(ElectionTarget(name, ForceQuery(fencingToken)), cancellationToken);

    /// <summary>Passes leadership to a candidate that waits.</summary>
    public Task<ApiResult<HandOverAnswer>> HandOverLeadershipAsync(string name, long fencingToken, string to, CancellationToken cancellationToken) =>
        HandOverAsync(ElectionTarget(name, ""), fencingToken, to, cancellationToken);

    /// <summary>The leader with its value and the candidates; 404 when nobody leads.</summary>
    public Task<ApiResult<ElectionAnswer>> GetElectionAsync(string name, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(ElectionTarget(name, ReadOptions.Query(read)), ClientJson.Default.ElectionAnswer, cancellationToken);

    /// <summary>One page of the elections that have a leader or candidates.</summary>
    public Task<ApiResult<ElectionListAnswer>> ListElectionsAsync(ListQuery query, CancellationToken cancellationToken) =>
        GetAsync(ListTarget(ApiRoutes.Elections, query), ClientJson.Default.ElectionListAnswer, cancellationToken);

    /// <summary>As <see cref="RenewLockOnce"/>.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public HoldRenewal RenewLeadershipOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) =>
        SendOnce(
            RenewRequest(ElectionTarget(name, ""), fencingToken), ClientJson.Default.LeadershipAnswer, static answer => answer.TtlMs,
            timeout, cancellationToken);

    private static string ElectionTarget(string name, string query) => NamedTarget(ApiRoutes.ElectionPrefix, name, query);
}
