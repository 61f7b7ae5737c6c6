using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>What locks, semaphores and elections have in common.</summary>
public sealed partial class ConsensusApiClient
{
    /// <param name="body">For each length of the wait, null for none.</param>
    private static ApiRequest AcquireRequest(
        string target, RequestIdentity identity, TimeSpan wait, Func<string?, ReadOnlyMemory<byte>> body)
    {
        return new ApiRequest
        {
            Method = HttpMethod.Post,
            Identity = identity,
            Target = target,
            Body = Encode(wait),
            BodyOfWait = Encode,
            Wait = wait,
        };

        ReadOnlyMemory<byte> Encode(TimeSpan left) => body(left > TimeSpan.Zero ? ClientJson.Text(left) : null);
    }

    private async Task<ApiResult<EmptyAnswer>> DeleteHoldAsync(string target, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Delete, Target = target, Form = AnswerForm.Empty };
        return ToResult<EmptyAnswer>(await ExecuteAsync(request, cancellationToken).ConfigureAwait(false));
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

    /// <param name="ttlMs">What the answer says of how long it holds.</param>
    private HoldRenewal SendOnce<T>(
        ApiRequest request, JsonTypeInfo<T> type, Func<T, long> ttlMs, TimeSpan timeout, CancellationToken cancellationToken)
        where T : class
    {
        var form = AnswerForm.Document(type, answer => ttlMs(answer) is >= 0 and <= ApiLimits.MaxTtlMicros / 1_000);
        var attempt = _sender.SendOnce(request with { Form = form }, timeout, cancellationToken);
        return attempt.Value is T renewed
            ? new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = TimeSpan.FromMilliseconds(ttlMs(renewed)) }
            : Unrenewed(attempt);
    }

    private static HoldRenewal Unrenewed(Attempt attempt) =>
        new(attempt.EndsHold ? HoldRenewalOutcome.Lost : HoldRenewalOutcome.Unanswered, attempt.Detail);

    private static ApiRequest RenewRequest(string target, long fencingToken) => new()
    {
        Method = HttpMethod.Put,
        Target = target,
        NeedsIdentity = false,
        Body = RequestJson.Encode(new LockRenewRequest(fencingToken), RequestJson.Types.LockRenewRequest, nameof(fencingToken)),
    };

    private static string TokenQuery(long fencingToken) => "fencingToken=" + fencingToken.ToString(CultureInfo.InvariantCulture);

    private static string ForceQuery(long? fencingToken) => QueryText.Join("force=true", fencingToken is { } token ? TokenQuery(token) : "");

    internal static string ListTarget(string route, ListQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return QueryText.Append(route, query.ToQuery());
    }

    /// <param name="prefix">Of the route, with its last slash.</param>
    private static string NamedTarget(string prefix, string name, string query, [CallerArgumentExpression(nameof(name))] string? parameter = null) => QueryText.Append(
        ApiPath.NeedsQuery(name) ? prefix + "?key=" + ApiPath.EncodeQuery(name, parameter) : prefix + ApiPath.Encode(name, parameter), query);
}
