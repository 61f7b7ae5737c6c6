namespace Consensus.Client.Transport;

/// <summary>
/// Sends one request until it is settled, to one endpoint after the other. Whoever answered last is asked first. Thread-safe.
/// </summary>
internal sealed class RequestSender(ConsensusClientOptions options) : IDisposable
{
    private int _preferred;
    private volatile bool _disposed;

    public ConsensusClientOptions Options => options;

    public HttpTransport Transport { get; } = new(options);

    /// <summary>The index of the endpoint that is asked first.</summary>
    public int Preferred => Volatile.Read(ref _preferred);

    public bool IsDisposed => _disposed;

    /// <summary>Closes its connections; what is under way fails.</summary>
    public void Dispose()
    {
        _disposed = true;
        Transport.Dispose();
    }

    /// <param name="identity">Of a write that has one.</param>
    public async Task<Attempt> ExecuteAsync(ApiRequest request, RequestIdentity? identity, CancellationToken cancellationToken)
    {
        using var activity = ClientTelemetry.StartRequest(request);
        var attempt = await SendUntilSettledAsync(request, identity, cancellationToken).ConfigureAwait(false);
        ClientTelemetry.Answered(activity, attempt.Kind.ToString(), attempt.Detail);
        return attempt;
    }

    /// <summary>
    /// Sends a renewal once, blocking the calling thread. Whoever gave no answer that counts is not asked first the next time, unless
    /// another thread has moved on from it already.
    /// </summary>
    /// <param name="isAnswer">Whether an attempt told what it was asked for.</param>
    public Attempt SendOnce(ApiRequest request, Func<Attempt, bool> isAnswer, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var index = Preferred % options.Endpoints.Count;
        var attempt = Transport.Send(options.Endpoints[index], request, timeout, cancellationToken);
        if (!isAnswer(attempt))
        {
            Interlocked.CompareExchange(ref _preferred, (index + 1) % options.Endpoints.Count, index);
        }
        return attempt;
    }

    public Attempt Nobody(Attempt last)
    {
        var all = string.Join(", ", options.Endpoints.Select(endpoint => endpoint.Authority));
        return options.Endpoints.Count == 1 ? last : last with { Detail = $"none of {all} accepts a connection." };
    }

    /// <summary>Sends until there is a definite answer or the time for it is over.</summary>
    private async Task<Attempt> SendUntilSettledAsync(ApiRequest request, RequestIdentity? identity, CancellationToken cancellationToken)
    {
        var endpoints = options.Endpoints;
        var first = Preferred;
        var sends = 0;
        Attempt? unknown = null;
        Attempt? answered = null;
        var firstSend = options.TimeProvider.GetTimestamp();
        var end = new SettleDeadline(options, request.Wait, firstSend);
        cancellationToken.ThrowIfCancellationRequested();
        var last = await SendOnceAsync(cancellationToken).ConfigureAwait(false);
        if (RetryPolicy.MayBeSentAgain(last, request))
        {
            var begun = last;
            last = await RetryPolicy.Build(options, request, firstSend).ExecuteAsync(
                token =>
                {
                    var sent = begun is { } earlier ? Task.FromResult(earlier) : SendOnceAsync(token);
                    begun = null;
                    return new ValueTask<Attempt>(sent);
                },
                cancellationToken).ConfigureAwait(false);
        }
        if (unknown is not null && !IsConclusive(request, last) && !(last.Kind == AttemptKind.Refused && identity is { IsInDoubt: false }))
        {
            return last.Kind == AttemptKind.Refused ? unknown with { RefusedSince = last } : unknown;
        }
        // What some member said tells more than that another one is away.
        return last.Unreachable ? answered ?? Nobody(last) : last;

        async Task<Attempt> SendOnceAsync(CancellationToken token)
        {
            var index = (first + sends++) % endpoints.Count;
            var mark = identity?.BeginSend(endpoints[index]) ?? default;
            var attempt = await Transport.SendAsync(endpoints[index], request, mark, end.OfAttempt(endpoints.Count - sends),
                token).ConfigureAwait(false);
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
}
