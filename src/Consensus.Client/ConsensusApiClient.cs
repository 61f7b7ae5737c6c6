using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>
/// The HTTP API as methods. Any member takes any request; when one does not answer, the next endpoint is asked. Every write carries
/// an Idempotency-Key of its own, so that sending it again is safe. Expected outcomes are returned, not thrown; cancellation throws
/// <see cref="OperationCanceledException"/>. Thread-safe.
/// </summary>
public sealed partial class ConsensusApiClient : IConsensusApi
{
    private readonly ConsensusClientOptions _options;
    private readonly HttpTransport _transport;
    private int _preferred;
    private volatile bool _disposed;

    /// <summary>A client that connects as it is used.</summary>
    /// <exception cref="ArgumentException">There is no endpoint, or one is no scheme, host and port alone.</exception>
    public ConsensusApiClient(ConsensusClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Endpoints.Count == 0)
        {
            throw new ArgumentException("At least one endpoint is needed.", nameof(options));
        }
        foreach (var endpoint in options.Endpoints)
        {
            if (MemberUrl.WhyNot(endpoint) is { } reason)
            {
                throw new ArgumentException($"The endpoint {endpoint} cannot be used: {reason}.", nameof(options));
            }
        }
        _options = options;
        _transport = new HttpTransport(options);
    }

    /// <summary>Closes its connections; what is under way fails.</summary>
    public void Dispose()
    {
        _disposed = true;
        _transport.Dispose();
    }

    private async Task<Attempt> ExecuteAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        using var activity = ClientTelemetry.StartRequest(request);
        var attempt = await SendUntilSettledAsync(request, cancellationToken).ConfigureAwait(false);
        ClientTelemetry.Answered(activity, attempt.Kind.ToString(), attempt.Detail);
        return attempt;
    }

    /// <summary>Sends until there is a definite answer or the time for it is over.</summary>
    private async Task<Attempt> SendUntilSettledAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var identity = request is { IsWrite: true, NeedsIdentity: true } ? request.Identity ?? new RequestIdentity() : null;
        var endpoints = _options.Endpoints;
        var first = Volatile.Read(ref _preferred);
        var sends = 0;
        Attempt? unknown = null;
        Attempt? answered = null;
        var firstSend = _options.TimeProvider.GetTimestamp();
        var end = new SettleDeadline(_options, request.Wait, firstSend);
        cancellationToken.ThrowIfCancellationRequested();
        var last = await SendOnceAsync(cancellationToken).ConfigureAwait(false);
        if (RetryPolicy.MayBeSentAgain(last, request))
        {
            var begun = last;
            last = await RetryPolicy.Build(_options, request, firstSend).ExecuteAsync(
                token =>
                {
                    var sent = begun is { } earlier ? Task.FromResult(earlier) : SendOnceAsync(token);
                    begun = null;
                    return new ValueTask<Attempt>(sent);
                },
                cancellationToken).ConfigureAwait(false);
        }
        if (unknown is not null && !IsConclusive(request, last))
        {
            return last.Kind == AttemptKind.Refused ? unknown with { RefusedSince = last } : unknown;
        }
        // What some member said tells more than that another one is away.
        return last.Unreachable ? answered ?? Nobody(last) : last;

        async Task<Attempt> SendOnceAsync(CancellationToken token)
        {
            var index = (first + sends++) % endpoints.Count;
            var key = identity?.BeginSend(endpoints[index]);
            var attempt = await _transport.SendAsync(endpoints[index], request, key, end.OfAttempt(endpoints.Count - sends), token).ConfigureAwait(false);
            identity?.EndSend(attempt);
            if (attempt.Kind == AttemptKind.Unknown)
            {
                unknown = attempt;
            }
            else if (attempt.Kind != AttemptKind.NothingDone)
            {
                Volatile.Write(ref _preferred, index);
            }
            answered = attempt.Unreachable ? answered : attempt;
            return attempt;
        }
    }

    private Attempt Nobody(Attempt last)
    {
        var all = string.Join(", ", _options.Endpoints.Select(endpoint => endpoint.Authority));
        return _options.Endpoints.Count == 1 ? last : last with { Detail = $"none of {all} accepts a connection." };
    }

    /// <summary>
    /// Whether the last answer also settles earlier attempts whose outcome is unknown. A success does: it is the first attempt's
    /// answer replayed, or the first attempt's second chance. "Nothing was done" does not, and neither does a no that a late first
    /// attempt could still turn into a yes.
    /// </summary>
    private static bool IsConclusive(ApiRequest request, Attempt last) => last.Kind switch
    {
        AttemptKind.Done => true,
        AttemptKind.Refused => request.RefusalIsFinal
            || ((int)last.Status is not (409 or 412 or 507) && ((int)last.Status != 404 || request.NotFoundIsFinal)),
        _ => false,
    };

    private async Task<ApiResult<T>> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        ToResult(request, await ExecuteAsync(request, cancellationToken).ConfigureAwait(false), type);

    private Task<ApiResult<T>> GetAsync<T>(string target, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(new ApiRequest { Method = HttpMethod.Get, Target = target }, type, cancellationToken);

    private static ApiResult<T> ToResult<T>(ApiRequest request, Attempt attempt, JsonTypeInfo<T> type)
    {
        if (attempt.Kind != AttemptKind.Done)
        {
            return ApiResult<T>.Failed(ToProblem(attempt));
        }
        try
        {
            if (JsonSerializer.Deserialize(attempt.Body, type) is { } value)
            {
                return ApiResult<T>.Of(value, Text(attempt.Body));
            }
        }
        catch (JsonException)
        {
            // Told below: a success whose body is not of the contract comes from something that is not a member.
        }
        return ApiResult<T>.Failed(new ApiProblem(
            request.IsWrite ? ApiFailureKind.OutcomeUnknown : ApiFailureKind.Unavailable,
            (int)attempt.Status,
            "",
            NotAMember(attempt)));
    }

    private static string NotAMember(Attempt attempt) => $"{attempt.Endpoint.Authority} does not answer as a Consensus member does.";

    internal static ApiProblem ToProblem(Attempt attempt)
    {
        var kind = attempt.Kind switch
        {
            AttemptKind.Refused => ApiFailureKind.Refused,
            AttemptKind.NothingDone => ApiFailureKind.Unavailable,
            _ => ApiFailureKind.OutcomeUnknown,
        };
        return new ApiProblem(kind, (int)attempt.Status, attempt.Slug, attempt.Detail)
        {
            Json = attempt.Slug.Length > 0 ? Text(attempt.Body) : null,
            RetryAfter = attempt.RetryAfter,
            RefusedSince = attempt.RefusedSince is { } refused ? ToProblem(refused) : null,
        };
    }

    private static string Text(byte[] body) => System.Text.Encoding.UTF8.GetString(body);
}
