using System.Globalization;
using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>A wish to take a lock: for <see cref="Ttl"/> with a lease of its own, or under an existing lease.</summary>
public sealed record LockWish(string Name, string Owner)
{
    public TimeSpan? Ttl { get; init; }

    public string? Lease { get; init; }

    /// <summary>How long to queue for it; at most 10 minutes.</summary>
    public TimeSpan Wait { get; init; }
}

public sealed partial class ConsensusApiClient
{
    public Task<ApiResult<LockGrantAnswer>> AcquireLockAsync(LockWish wish, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wish);
        var body = new LockAcquireRequest
        {
            Owner = wish.Owner,
            Ttl = wish.Ttl is { } ttl ? ClientJson.Text(ttl) : null,
            Lease = wish.Lease,
            Wait = wish.Wait > TimeSpan.Zero ? ClientJson.Text(wish.Wait) : null,
        };
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = LockTarget(wish.Name, ""),
            Body = ClientJson.Encode(body, ApiJson.Default.LockAcquireRequest),
            Wait = wish.Wait,
        };
        return SendAsync(request, ClientJson.Default.LockGrantAnswer, cancellationToken);
    }

    /// <summary>Gives a lock back. Giving back what was given back already is a success; what was lost is refused.</summary>
    public async Task<ApiResult<EmptyAnswer>> ReleaseLockAsync(string name, long fencingToken, CancellationToken cancellationToken)
    {
        var query = "fencingToken=" + fencingToken.ToString(CultureInfo.InvariantCulture);
        var attempt = await ExecuteAsync(
            new ApiRequest { Method = HttpMethod.Delete, Target = LockTarget(name, query) }, cancellationToken);
        return attempt.Kind == AttemptKind.Done
            ? ApiResult<EmptyAnswer>.Of(new EmptyAnswer(), Text(attempt.Body))
            : ApiResult<EmptyAnswer>.Failed(ToProblem(attempt));
    }

    public Task<ApiResult<LockAnswer>> GetLockAsync(string name, CancellationToken cancellationToken) =>
        GetAsync(LockTarget(name, ""), ClientJson.Default.LockAnswer, cancellationToken);

    /// <summary>One page of the locks with a prefix; <paramref name="cursor"/> is the last page's <c>nextCursor</c>.</summary>
    public Task<ApiResult<LockListAnswer>> ListLocksAsync(string prefix, string? cursor, CancellationToken cancellationToken)
    {
        var target = ApiRoutes.Locks + "?prefix=" + ApiPath.EncodeQuery(prefix);
        target += cursor is null ? "" : "&cursor=" + ApiPath.EncodeQuery(cursor);
        return GetAsync(target, ClientJson.Default.LockListAnswer, cancellationToken);
    }

    /// <summary>
    /// Sends one renewal once, blocking the calling thread; after an unanswered one, the next call asks the next endpoint. It needs no
    /// Idempotency-Key: renewing twice is renewing once, and an answer must speak of now, not be a replay.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public LockRenewal RenewLockOnce(string name, long fencingToken, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Put,
            Target = LockTarget(name, ""),
            Body = ClientJson.Encode(new LockRenewRequest(fencingToken), ApiJson.Default.LockRenewRequest),
        };
        var index = Volatile.Read(ref _preferred) % _options.Endpoints.Count;
        var attempt = _transport.Send(_options.Endpoints[index], request, null, timeout, cancellationToken);
        switch (attempt)
        {
            case { Kind: AttemptKind.Done }:
                return new LockRenewal(LockRenewalOutcome.Renewed, "");
            // Only these words of the contract end a hold. A 410 or 412 without its slug came from somewhere else.
            case { Kind: AttemptKind.Refused } when attempt.Is(ProblemTypes.LeaseExpired) || attempt.Is(ProblemTypes.NotHolder):
                return new LockRenewal(LockRenewalOutcome.Lost, attempt.Detail);
            default:
                Volatile.Write(ref _preferred, (index + 1) % _options.Endpoints.Count);
                return new LockRenewal(LockRenewalOutcome.Unanswered, attempt.Detail);
        }
    }

    private static string LockTarget(string name, string query)
    {
        if (ApiPath.NeedsQuery(name))
        {
            return ApiRoutes.Locks + "?key=" + ApiPath.EncodeQuery(name) + (query.Length > 0 ? "&" + query : "");
        }
        return ApiRoutes.LockPrefix + ApiPath.Encode(name) + (query.Length > 0 ? "?" + query : "");
    }
}
