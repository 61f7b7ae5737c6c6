using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>What locks, semaphores and elections have in common.</summary>
public sealed partial class ConsensusApiClient
{
    private async Task<ApiResult<EmptyAnswer>> DeleteHoldAsync(string target, CancellationToken cancellationToken)
    {
        var attempt = await ExecuteAsync(new ApiRequest { Method = HttpMethod.Delete, Target = target }, cancellationToken)
            .ConfigureAwait(false);
        return attempt.Kind == AttemptKind.Done
            ? ApiResult<EmptyAnswer>.Of(new EmptyAnswer(), Text(attempt.Body))
            : ApiResult<EmptyAnswer>.Failed(ToProblem(attempt));
    }

    private Task<ApiResult<HandOverAnswer>> HandOverAsync(string target, long fencingToken, string to, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Patch,
            Target = target,
            NotFoundIsFinal = false,
            Body = RequestJson.Encode(new HandOverRequest(to, fencingToken), RequestJson.Types.HandOverRequest, nameof(to)),
        };
        return SendAsync(request, ClientJson.Default.HandOverAnswer, cancellationToken);
    }

    private HoldRenewal SendOnce(ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken) =>
        ToRenewal(_sender.SendOnce(request, static attempt => attempt.Kind == AttemptKind.Done || IsLoss(attempt), timeout,
            cancellationToken));

    /// <summary>Only these words of the contract end a hold. A 410 or 412 without its slug came from somewhere else.</summary>
    private static bool IsLoss(Attempt attempt) =>
        attempt.Kind == AttemptKind.Refused && (attempt.Is(ProblemTypes.LeaseExpired) || attempt.Is(ProblemTypes.NotHolder));

    /// <summary>A success that does not say for how long is no member's: it renews nothing.</summary>
    private static HoldRenewal ToRenewal(Attempt attempt)
    {
        if (attempt.Kind != AttemptKind.Done)
        {
            return new HoldRenewal(IsLoss(attempt) ? HoldRenewalOutcome.Lost : HoldRenewalOutcome.Unanswered, attempt.Detail);
        }
        try
        {
            if (JsonSerializer.Deserialize(attempt.Body, ClientJson.Default.RenewalAnswer) is { TtlMs: >= 0 and <= ApiLimits.MaxTtlMicros / 1_000 and var ttlMs })
            {
                return new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = TimeSpan.FromMilliseconds(ttlMs) };
            }
        }
        catch (JsonException)
        {
            // Told below.
        }
        return new HoldRenewal(HoldRenewalOutcome.Unanswered, NotAMember(attempt));
    }

    private static ApiRequest RenewRequest(string target, long fencingToken) => new()
    {
        Method = HttpMethod.Put,
        Target = target,
        NeedsIdentity = false,
        Body = RequestJson.Encode(new LockRenewRequest(fencingToken), RequestJson.Types.LockRenewRequest, nameof(fencingToken)),
    };

    private static string TokenQuery(long fencingToken) => "fencingToken=" + fencingToken.ToString(CultureInfo.InvariantCulture);

    private static string ForceQuery(long? fencingToken) => QueryText.Join("force=true", fencingToken is { } token ? TokenQuery(token) : "");

    private static string ListTarget(string route, ListQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return QueryText.Append(route, query.ToQuery());
    }

    /// <param name="prefix">Of the route, with its last slash.</param>
    private static string NamedTarget(string prefix, string name, string query, [CallerArgumentExpression(nameof(name))] string? parameter = null) => QueryText.Append(
        ApiPath.NeedsQuery(name) ? prefix + "?key=" + ApiPath.EncodeQuery(name, parameter) : prefix + ApiPath.Encode(name, parameter), query);
}
