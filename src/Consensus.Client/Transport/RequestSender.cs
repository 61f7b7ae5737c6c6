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
    /// <param name="isHurried">Several members are asked at once.</param>
    public async Task<Attempt> ExecuteAsync(
        ApiRequest request, RequestIdentity? identity, bool isHurried, CancellationToken cancellationToken)
    {
        using var activity = ClientTelemetry.StartRequest(request);
        var attempt = await (isHurried
            ? new HurriedRequest(this, request, identity).UntilSettledAsync(cancellationToken)
            : new SentRequest(this, request, identity).UntilSettledAsync(cancellationToken)).ConfigureAwait(false);
        ClientTelemetry.Answered(activity, attempt.Kind.ToString(), attempt.Detail);
        return attempt;
    }

    /// <summary>
    /// Sends a renewal once, blocking the calling thread. Whoever gave no answer that counts is not asked first the next time, unless
    /// another thread has moved on from it already.
    /// </summary>
    public Attempt SendOnce(ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var index = Preferred % options.Endpoints.Count;
        var attempt = Transport.Send(options.Endpoints[index], request, timeout, cancellationToken);
        if (attempt.Kind != AttemptKind.Done && !attempt.EndsHold)
        {
            Interlocked.CompareExchange(ref _preferred, (index + 1) % options.Endpoints.Count, index);
        }
        return attempt;
    }

    /// <summary>Whoever gave an answer that counts is asked first the next time.</summary>
    public void Prefer(int index) => Volatile.Write(ref _preferred, index);

    public Attempt Nobody(Attempt last)
    {
        var all = string.Join(", ", options.Endpoints.Select(endpoint => endpoint.Authority));
        return options.Endpoints.Count == 1 ? last : last with { Detail = $"none of {all} accepts a connection." };
    }
}
