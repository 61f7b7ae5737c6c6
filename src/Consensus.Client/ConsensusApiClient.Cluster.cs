using Consensus.Api;
using Consensus.Api.Cluster;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>The cluster as the answering member sees it. Served without a leader too.</summary>
    public Task<ApiResult<ClusterAnswer>> GetClusterAsync(CancellationToken cancellationToken) =>
        GetAsync(ApiRoutes.Cluster, ClientJson.Default.ClusterAnswer, cancellationToken);

    /// <summary>The answering member's view of itself. Served without a leader too.</summary>
    public Task<ApiResult<StatusAnswer>> GetStatusAsync(CancellationToken cancellationToken) =>
        GetAsync(ApiRoutes.Status, ClientJson.Default.StatusAnswer, cancellationToken);

    /// <summary>Adds a process that was started with <c>--join</c> and waits: as a learner, unless it is to vote at once.</summary>
    public Task<ApiResult<MemberAnswer>> AddMemberAsync(string name, bool asVoter, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = ApiRoutes.ClusterMembers,
            NotFoundIsFinal = false,
            Body = RequestJson.Encode(new MemberAddRequest(name, asVoter ? "voter" : null), RequestJson.Types.MemberAddRequest, nameof(name)),
        };
        return SendAsync(request, ClientJson.Default.MemberAnswer, cancellationToken);
    }

    /// <summary>Makes a learner a voter.</summary>
    /// <param name="member">Name or id.</param>
    /// <param name="replaces">Name or id of a voter that leaves in the same step.</param>
    public Task<ApiResult<MemberAnswer>> PromoteMemberAsync(string member, string? replaces, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Patch,
            Target = MemberTarget(member),
            NotFoundIsFinal = false,
            Body = RequestJson.Encode(new MemberUpdateRequest("voter", replaces), RequestJson.Types.MemberUpdateRequest, nameof(replaces)),
        };
        return SendAsync(request, ClientJson.Default.MemberAnswer, cancellationToken);
    }

    /// <summary>Removes a member for ever.</summary>
    /// <param name="member">Its id, so that a retry finds it removed; a name is not known any more then.</param>
    public Task<ApiResult<MemberRemovedAnswer>> RemoveMemberAsync(string member, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Delete, Target = MemberTarget(member), NotFoundIsFinal = false };
        return SendAsync(request, ClientJson.Default.MemberRemovedAnswer, cancellationToken);
    }

    /// <summary>
    /// Hands leadership to a voter by name; null: to the one whose log is furthest. The latter is not sent again when its outcome is unknown: it could
    /// move leadership twice.
    /// </summary>
    public Task<ApiResult<LeaderTransferAnswer>> TransferLeadershipAsync(string? to, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = ApiRoutes.ClusterLeader,
            IsRepeatable = to is not null,
            Body = RequestJson.Encode(new LeaderTransferRequest(to), RequestJson.Types.LeaderTransferRequest, nameof(to)),
        };
        return SendAsync(request, ClientJson.Default.LeaderTransferAnswer, cancellationToken);
    }

    private static string MemberTarget(string member) => $"{ApiRoutes.ClusterMembers}/{ApiPath.EncodeQuery(member)}";
}
