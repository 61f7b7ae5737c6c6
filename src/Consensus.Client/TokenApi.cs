using Consensus.Api;
using Consensus.Api.Access;

namespace Consensus.Client;

/// <summary>
/// Tokens, by which programs are known that have no certificate. An administrator's, but that a holder may have another in the place of its
/// own, look at those that came of the same, and end its own.
/// </summary>
public static class TokenApi
{
    /// <summary>One page of the tokens, without what they are known by.</summary>
    /// <param name="query">Its prefix is empty.</param>
    public static Task<ApiResult<TokenListAnswer>> ListTokensAsync(
        this ConsensusApiClient api, ListQuery query, CancellationToken cancellationToken) =>
        api.GetAsync(ConsensusApiClient.ListTarget(ApiRoutes.AuthTokens, query), OperationsJson.Default.TokenListAnswer, cancellationToken);

    /// <summary>One token; 404 when there is none of that id, or not any more.</summary>
    public static Task<ApiResult<TokenAnswer>> GetTokenAsync(
        this ConsensusApiClient api, string id, ReadOptions? read, CancellationToken cancellationToken) =>
        api.GetAsync(QueryText.Append(TokenTarget(id), ReadOptions.Query(read)), OperationsJson.Default.TokenAnswer, cancellationToken);

    /// <summary>
    /// Makes a token whose secret stays with whoever made it up. Idempotent: done again it is good no longer than the first time.
    /// </summary>
    /// <param name="secretHash">The SHA-256 of the secret, 32 bytes.</param>
    /// <param name="principal">Whose it is; null: another in the place of the one that this client has, for no longer.</param>
    /// <param name="ttl">At least 1 s; null: 90 days, or as long as the one that this client has.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> PutTokenAsync(
        this ConsensusApiClient api,
        string id,
        ReadOnlyMemory<byte> secretHash,
        string? principal,
        TimeSpan? ttl,
        CancellationToken cancellationToken)
    {
        var request = new TokenPutRequest(Convert.ToHexStringLower(secretHash.Span)) { Principal = principal, Ttl = TextOf(ttl) };
        return api.SendAsync(
            new ApiRequest
            {
                Method = HttpMethod.Put,
                Target = TokenTarget(id),
                Body = RequestJson.Encode(request, RequestJson.Types.TokenPutRequest, nameof(principal)),
            },
            OperationsJson.Default.PolicyChangedAnswer,
            cancellationToken);
    }

    /// <summary>
    /// Has a member make a token, which is told this once. It is not sent again where it may have been made: a token that nobody heard of
    /// is in the list, to be ended.
    /// </summary>
    /// <inheritdoc cref="PutTokenAsync"/>
    public static Task<ApiResult<TokenMadeAnswer>> MakeTokenAsync(
        this ConsensusApiClient api, string? principal, TimeSpan? ttl, CancellationToken cancellationToken)
    {
        var request = new TokenPostRequest { Principal = principal, Ttl = TextOf(ttl) };
        return api.SendAsync(
            new ApiRequest
            {
                Method = HttpMethod.Post,
                Target = ApiRoutes.AuthTokens,
                Body = RequestJson.Encode(request, RequestJson.Types.TokenPostRequest, nameof(principal)),
                NeedsIdentity = false,
                IsRepeatable = false,
            },
            OperationsJson.Default.TokenMadeAnswer,
            cancellationToken);
    }

    /// <summary>Ends a token: nothing that is asked with it takes effect after this was answered.</summary>
    /// <param name="only">The others of its family stay. A holder may say so of its own.</param>
    /// <param name="after">It is good for so long still, if it does not end before; null: it ends now.</param>
    public static Task<ApiResult<PolicyChangedAnswer>> EndTokenAsync(
        this ConsensusApiClient api, string id, bool only, TimeSpan? after, CancellationToken cancellationToken)
    {
        var target = TokenTarget(id);
        target = only ? QueryText.Append(target, "only=true") : target;
        target = after is { } time ? QueryText.Append(target, "after=" + ClientJson.Text(time)) : target;
        return api.SendAsync(
            new ApiRequest { Method = HttpMethod.Delete, Target = target }, OperationsJson.Default.PolicyChangedAnswer, cancellationToken);
    }

    private static string TokenTarget(string id) => $"{ApiRoutes.AuthTokens}/{ApiPath.Encode(id)}";

    private static string? TextOf(TimeSpan? ttl) => ttl is { } time ? ClientJson.Text(time) : null;
}
