using Consensus.Api;
using Consensus.Api.Access;

namespace Consensus.Client;

/// <summary>
/// Who may do what: roles, principals and revoked certificates, all of it an administrator's, but for who this client is.
/// </summary>
public static class AccessApi
{
    /// <summary>Who this client is to the cluster, and what it may do. Whoever is known may ask.</summary>
    public static Task<ApiResult<WhoamiAnswer>> GetWhoamiAsync(
        this ConsensusApiClient api, ReadOptions? read, CancellationToken cancellationToken) =>
        api.GetAsync(QueryText.Append(ApiRoutes.Auth, ReadOptions.Query(read)), OperationsJson.Default.WhoamiAnswer, cancellationToken);

    /// <summary>One page of the roles, those that are built in first. This and all that follows is an administrator's.</summary>
    /// <param name="query">Its prefix is empty.</param>
    public static Task<ApiResult<RoleListAnswer>> ListRolesAsync(
        this ConsensusApiClient api, ListQuery query, CancellationToken cancellationToken) =>
        api.GetAsync(ConsensusApiClient.ListTarget(ApiRoutes.AuthRoles, query), OperationsJson.Default.RoleListAnswer, cancellationToken);

    /// <summary>What a role allows; 404 when there is none of that name.</summary>
    public static Task<ApiResult<RoleAnswer>> GetRoleAsync(
        this ConsensusApiClient api, string name, ReadOptions? read, CancellationToken cancellationToken) =>
        api.GetAsync(QueryText.Append(RoleTarget(name), ReadOptions.Query(read)), OperationsJson.Default.RoleAnswer, cancellationToken);

    /// <summary>Makes a role, or gives it these rules and no others. 400 for a role that is built in.</summary>
    /// <param name="ifPolicyRevision">Only while the policy is at this revision, else 412; null: whatever it is at.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> PutRoleAsync(
        this ConsensusApiClient api,
        string name,
        IReadOnlyList<AccessRuleMessage> rules,
        long? ifPolicyRevision,
        CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(
            HttpMethod.Put,
            RoleTarget(name),
            RequestJson.Encode(new RolePutRequest(rules), RequestJson.Types.RolePutRequest, nameof(rules)),
            ifPolicyRevision,
            cancellationToken);

    /// <summary>412 while a principal has the role.</summary>
    /// <inheritdoc cref="PutRoleAsync"/>
    public static Task<ApiResult<PolicyChangedAnswer>> DeleteRoleAsync(
        this ConsensusApiClient api, string name, long? ifPolicyRevision, CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(HttpMethod.Delete, RoleTarget(name), default, ifPolicyRevision, cancellationToken);

    /// <summary>One page of the principals to which something is bound.</summary>
    /// <param name="query">Its prefix is empty.</param>
    public static Task<ApiResult<PrincipalListAnswer>> ListPrincipalsAsync(
        this ConsensusApiClient api, ListQuery query, CancellationToken cancellationToken) =>
        api.GetAsync(
            ConsensusApiClient.ListTarget(ApiRoutes.AuthPrincipals, query), OperationsJson.Default.PrincipalListAnswer, cancellationToken);

    /// <summary>What is bound to exactly this name; 404 when nothing is.</summary>
    public static Task<ApiResult<PrincipalAnswer>> GetPrincipalAsync(
        this ConsensusApiClient api, string name, ReadOptions? read, CancellationToken cancellationToken) =>
        api.GetAsync(
            QueryText.Append(PrincipalTarget(name), ReadOptions.Query(read)), OperationsJson.Default.PrincipalAnswer, cancellationToken);

    /// <summary>Gives a principal these roles and no others.</summary>
    /// <param name="name">May end in <c>*</c>: all names that begin so and to which nothing longer is bound.</param>
    /// <param name="disabled">All is refused to it.</param>
    /// <param name="limits">How much of everything it may take; null: the defaults.</param>
    /// <param name="ifPolicyRevision">Only while the policy is at this revision, else 412; null: whatever it is at.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> PutPrincipalAsync(
        this ConsensusApiClient api,
        string name,
        IReadOnlyList<string> roles,
        bool disabled,
        PrincipalLimitsMessage? limits,
        long? ifPolicyRevision,
        CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(
            HttpMethod.Put,
            PrincipalTarget(name),
            RequestJson.Encode(
                new PrincipalPutRequest(roles) { Disabled = disabled, Limits = limits },
                RequestJson.Types.PrincipalPutRequest,
                nameof(roles)),
            ifPolicyRevision,
            cancellationToken);

    /// <summary>Nothing is bound to the name any more.</summary>
    /// <param name="ifPolicyRevision">Only while the policy is at this revision, else 412; null: whatever it is at.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> DeletePrincipalAsync(
        this ConsensusApiClient api, string name, long? ifPolicyRevision, CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(HttpMethod.Delete, PrincipalTarget(name), default, ifPolicyRevision, cancellationToken);

    /// <summary>One page of the certificates that are not believed any more.</summary>
    /// <param name="query">Its prefix is empty.</param>
    public static Task<ApiResult<RevocationListAnswer>> ListRevocationsAsync(
        this ConsensusApiClient api, ListQuery query, CancellationToken cancellationToken) =>
        api.GetAsync(
            ConsensusApiClient.ListTarget(ApiRoutes.AuthRevocations, query),
            OperationsJson.Default.RevocationListAnswer,
            cancellationToken);

    /// <summary>A certificate is not believed any more: nothing of what it asks for takes effect after this was answered.</summary>
    /// <param name="fingerprint">Its SHA-256 in 64 hexadecimal digits.</param>
    /// <param name="note">For a person; null: none.</param>
    /// <param name="force">
    /// Also when a member of the cluster goes by it, which the others then have no link to any more; else that is 412.
    /// </param>
    /// <param name="ifPolicyRevision">Only while the policy is at this revision, else 412; null: whatever it is at.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> PutRevocationAsync(
        this ConsensusApiClient api,
        string fingerprint,
        string? note,
        bool force,
        long? ifPolicyRevision,
        CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(
            HttpMethod.Put,
            force ? QueryText.Append(RevocationTarget(fingerprint), "force=true") : RevocationTarget(fingerprint),
            RequestJson.Encode(new RevocationPutRequest { Note = note }, RequestJson.Types.RevocationPutRequest, nameof(note)),
            ifPolicyRevision,
            cancellationToken);

    /// <summary>A certificate is believed again.</summary>
    /// <param name="fingerprint">Its SHA-256 in 64 hexadecimal digits.</param>
    /// <param name="ifPolicyRevision">Only while the policy is at this revision, else 412; null: whatever it is at.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> DeleteRevocationAsync(
        this ConsensusApiClient api, string fingerprint, long? ifPolicyRevision, CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(HttpMethod.Delete, RevocationTarget(fingerprint), default, ifPolicyRevision, cancellationToken);

    /// <summary>Whether the roles of a principal allow it something.</summary>
    public static Task<ApiResult<AccessCheckAnswer>> CheckAccessAsync(
        this ConsensusApiClient api, AccessCheckRequest check, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = ApiRoutes.AuthCheck,
            NeedsIdentity = false,
            Body = RequestJson.Encode(check, RequestJson.Types.AccessCheckRequest, nameof(check)),
        };
        return api.SendAsync(request, OperationsJson.Default.AccessCheckAnswer, cancellationToken);
    }

    /// <summary>Rights are judged from here on, and for ever.</summary>
    /// <param name="admin">To whom the role <c>admin</c> is bound; null: to this client.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> EnableAccessAsync(
        this ConsensusApiClient api, string? admin, CancellationToken cancellationToken) =>
        api.ChangePolicyAsync(
            HttpMethod.Post,
            ApiRoutes.AuthEnable,
            RequestJson.Encode(new AccessEnableRequest { Admin = admin }, RequestJson.Types.AccessEnableRequest, nameof(admin)),
            null,
            cancellationToken);

    private static Task<ApiResult<PolicyChangedAnswer>> ChangePolicyAsync(
        this ConsensusApiClient api,
        HttpMethod method,
        string target,
        ReadOnlyMemory<byte> body,
        long? ifPolicyRevision,
        CancellationToken cancellationToken) =>
        api.SendAsync(
            new ApiRequest { Method = method, Target = target, Body = body, IfMatch = ConsensusApiClient.EntityTag(ifPolicyRevision) },
            OperationsJson.Default.PolicyChangedAnswer,
            cancellationToken);

    private static string RoleTarget(string name) => $"{ApiRoutes.AuthRoles}/{ApiPath.Encode(name)}";

    private static string PrincipalTarget(string name) => $"{ApiRoutes.AuthPrincipals}/{ApiPath.Encode(name)}";

    private static string RevocationTarget(string fingerprint) => $"{ApiRoutes.AuthRevocations}/{ApiPath.Encode(fingerprint)}";
}
