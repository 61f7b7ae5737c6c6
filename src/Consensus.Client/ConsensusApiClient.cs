using System.Text.Json.Serialization.Metadata;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>
/// The HTTP API as methods. Any member takes any request; when one does not answer, the next endpoint is asked. Every write carries
/// an Idempotency-Key of its own, so that sending it again is safe. Expected outcomes are returned, not thrown; cancellation throws
/// <see cref="OperationCanceledException"/>. Thread-safe.
/// </summary>
public sealed partial class ConsensusApiClient : IConsensusApi
{
    private readonly RequestSender _sender;
    private readonly Func<RequestIdentity?> _identity = static () => null;

    /// <summary>
    /// In which form all documents are asked for; null: lists of keys and transactions as MessagePack, whose values are bytes, and all
    /// else as JSON.
    /// </summary>
    internal string? Accept { get; init; }

    /// <summary>It asks several members at once (<see cref="HurriedRequest"/>).</summary>
    private bool IsHurried { get; init; }

    /// <summary>A client that connects as it is used.</summary>
    /// <exception cref="ArgumentException">
    /// No endpoint is given, one is no scheme, host and port alone, or in the clear beside <see cref="ConsensusClientOptions.Tls"/>, or a
    /// slice of a wait is not 1 ms to 10 minutes.
    /// </exception>
    public ConsensusApiClient(ConsensusClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _sender = new RequestSender(options.Checked(nameof(options)));
    }

    /// <param name="identity">Of the next write.</param>
    private ConsensusApiClient(RequestSender sender, Func<RequestIdentity?> identity) => (_sender, _identity) = (sender, identity);

    /// <summary>
    /// This client, with the same connections, as one that sends a write under that number of a session instead of an Idempotency-Key.
    /// Whoever asks for a hold names the session as its lease. Disposing of either closes both.
    /// </summary>
    /// <exception cref="ArgumentException">It cannot be a number: <c>Seq</c> is below 1, or <c>Acked</c> not below it.</exception>
    public ConsensusApiClient Under(WriteNumber number)
    {
        var given = WriteNumber.Checked(number);
        return new ConsensusApiClient(_sender, () => new RequestIdentity(given)) { Accept = Accept, IsHurried = IsHurried };
    }

    IConsensusApi IConsensusApi.Under(RequestIdentity identity) =>
        new ConsensusApiClient(_sender, () => identity) { Accept = Accept, IsHurried = IsHurried };

    IConsensusApi IConsensusApi.Hurried => new ConsensusApiClient(_sender, _identity) { Accept = Accept, IsHurried = true };

    /// <summary>Closes its connections; what is under way fails.</summary>
    public void Dispose() => _sender.Dispose();

    private Task<Attempt> ExecuteAsync(ApiRequest request, CancellationToken cancellationToken) => _sender.ExecuteAsync(
        request,
        request is { IsWrite: true, NeedsIdentity: true } ? request.Identity ?? IdentityOf(null) : null,
        IsHurried,
        cancellationToken);

    /// <param name="key">An Idempotency-Key that was given; null for none.</param>
    private RequestIdentity IdentityOf(string? key) => (_identity(), key) switch
    {
        (null, _) => new RequestIdentity(key),
        ({ } identity, null) => identity,
        _ => throw new ArgumentException("A write has an Idempotency-Key or a number of a session, and not both.", nameof(key)),
    };

    internal async Task<ApiResult<T>> SendAsync<T>(ApiRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        var whole = request with { Form = request.Form ?? AnswerForm.Document(type), Accept = Accept ?? request.Accept };
        return ToResult<T>(await ExecuteAsync(whole, cancellationToken).ConfigureAwait(false));
    }

    internal Task<ApiResult<T>> GetAsync<T>(string target, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class => SendAsync(new ApiRequest { Method = HttpMethod.Get, Target = target }, type, cancellationToken);

    private static ApiResult<T> ToResult<T>(Attempt attempt) where T : class => attempt.Value is T value ? ApiResult<T>.Of(value, attempt.Body) : ApiResult<T>.Failed(ToProblem(attempt));

    internal static ApiProblem ToProblem(Attempt attempt)
    {
        var kind = attempt.Kind switch
        {
            AttemptKind.Refused => ApiFailureKind.Refused,
            AttemptKind.Denied => ApiFailureKind.Denied,
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
