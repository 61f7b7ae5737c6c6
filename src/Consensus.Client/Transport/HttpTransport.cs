using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Consensus.Client.Tls;
using Microsoft.Extensions.Logging;

namespace Consensus.Client.Transport;

/// <summary>Sends one request once to one endpoint and classifies what came of it. Thread-safe.</summary>
internal sealed class HttpTransport : IDisposable
{
    /// <summary>What a socket takes at once: the answer to more may come, and the connection end, while it is being sent.</summary>
    private const int MaxBlockingBody = 16 * 1024;

    /// <summary>The largest answers of a member (a page of 4 MiB of values, each byte of them escaped) have some 30 MiB. Nobody's word for a length is believed: memory is taken for what comes.</summary>
    public const int MaxAnswerBytes = 64 << 20;

    private readonly ClientTls? _tls;
    private readonly ClientToken? _token;
    private readonly TimeProvider _time;
    private readonly ILogger? _logger;
    private readonly bool _sendsOnCallingThread;
    private readonly PooledHttp _pooled;
    private readonly BlockingHttp _blocking;

    public HttpTransport(ConsensusClientOptions options)
    {
        (_tls, _token, _time) = (options.Tls, options.Token, options.TimeProvider);
        _logger = options.LoggerFactory?.CreateLogger(typeof(ClientTls).FullName!);
        _sendsOnCallingThread = options.SendsOnCallingThread;
        var names = new NameLookups(options.ResolveName);
        _blocking = new BlockingHttp(options.ConnectTimeout, names, _time)
        {
            HasToken = _token is not null,
            SocketPath = options.SocketPath,
        };
        _pooled = new PooledHttp(options.ConnectTimeout, names, _time)
        {
            HasToken = _token is not null,
            SocketPath = options.SocketPath,
        };
    }

    public Task<Attempt> SendAsync(Uri endpoint, ApiRequest request, WriteMark mark, TimeSpan timeout,
        CancellationToken cancellationToken) =>
        _sendsOnCallingThread && IsSimple(endpoint, request)
            ? Task.FromResult(SendBlocking(endpoint, request, mark, timeout, cancellationToken))
            : SendBesideAsync(endpoint, request, mark, timeout, cancellationToken);

    /// <summary>
    /// Nothing that could block beyond a deadline: no name that a resolver must be asked for, no body that fills a socket.
    /// </summary>
    private static bool IsSimple(Uri endpoint, ApiRequest request) =>
        (endpoint.IsLoopback || endpoint.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6)
        && request.Body is not { Length: > MaxBlockingBody };

    /// <summary>As <see cref="SendAsync"/>, and never on the calling thread: for who sends more than one at a time.</summary>
    public async Task<Attempt> SendBesideAsync(
        Uri endpoint, ApiRequest request, WriteMark mark, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var end = new Deadline(timeout);
        var shown = Shown();
        var attempt = await SendPooledAsync(endpoint, request, mark, shown, timeout, cancellationToken).ConfigureAwait(false);
        return IsWorthAnother(attempt, shown) && end.Left is var left && left > TimeSpan.Zero
            ? await SendPooledAsync(endpoint, request, mark, Shown(), left, cancellationToken).ConfigureAwait(false)
            : attempt;
    }

    /// <summary>
    /// Asks for an answer that is not held whole: an event stream, a snapshot. When the attempt is done, the response is the caller's to
    /// read and dispose of; else it is null.
    /// </summary>
    /// <param name="mediaType">Of the answer, when a member gives it.</param>
    /// <param name="timeout">For the head of the answer.</param>
    public async Task<(Attempt Attempt, HttpResponseMessage? Response)> OpenStreamAsync(
        Uri endpoint, ApiRequest request, string mediaType, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var end = new Deadline(timeout);
        var shown = Shown();
        var (attempt, response) =
            await OpenPooledAsync(endpoint, request, mediaType, shown, timeout, cancellationToken).ConfigureAwait(false);
        return IsWorthAnother(attempt, shown) && end.Left is var left && left > TimeSpan.Zero
            ? await OpenPooledAsync(endpoint, request, mediaType, Shown(), left, cancellationToken).ConfigureAwait(false)
            : (attempt, response);
    }

    /// <summary>
    /// As <see cref="SendAsync"/>, wholly on the calling thread: a renewal must not wait for a busy thread pool. Only for what may be
    /// sent twice.
    /// </summary>
    public Attempt Send(Uri endpoint, ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken) =>
        SendBlocking(endpoint, request, default, timeout, cancellationToken);

    public void Dispose()
    {
        _pooled.Dispose();
        _blocking.Dispose();
    }

    /// <summary>Who this is, as it is shown now.</summary>
    private Credentials Shown() => new(_tls?.Current(_time, _logger) ?? TlsIdentity.OfMachine, _token?.Current(_time, _logger));

    /// <summary>
    /// The certificate that was shown is not taken, or the server's is not believed, and the file has others by now: nothing was done, so
    /// that it may be sent with those. A file that is the same is no reason to ask again. So it is with a token.
    /// </summary>
    private bool IsWorthAnother(Attempt attempt, Credentials used) =>
        (_tls is not null && (attempt.IsUntrusted || attempt.Kind == AttemptKind.Denied) && _tls.IsReplaced(used.Identity, _time, _logger))
        || (used.Token is { } token && attempt.Kind == AttemptKind.Denied && _token!.IsReplaced(token, _time, _logger));

    private async Task<Attempt> SendPooledAsync(
        Uri endpoint, ApiRequest request, WriteMark mark, Credentials shown, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            using var message = CreateMessage(endpoint, request, mark, shown);
            using var response = await _pooled
                .SendAsync(message, shown.Identity, HttpCompletionOption.ResponseContentRead, deadline.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            return Heard(response, body).Judge(endpoint, request);
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            return ClassifyFailure(endpoint, request, error, timeout);
        }
    }

    private async Task<(Attempt Attempt, HttpResponseMessage? Response)> OpenPooledAsync(
        Uri endpoint, ApiRequest request, string mediaType, Credentials shown, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        HttpResponseMessage? response = null;
        try
        {
            using var message = CreateMessage(endpoint, request, default, shown);
            response = await _pooled
                .SendAsync(message, shown.Identity, HttpCompletionOption.ResponseHeadersRead, deadline.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentType?.MediaType == mediaType)
            {
                return (new Attempt(AttemptKind.Done, endpoint) { Status = response.StatusCode }, response);
            }
            using (response)
            {
                if (response.IsSuccessStatusCode)
                {
                    return (Heard(response, []).Foreign(endpoint, request), null);
                }
                await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, deadline.Token).ConfigureAwait(false);
                var body = await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
                return (Heard(response, body).Judge(endpoint, request), null);
            }
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            response?.Dispose();
            return (ClassifyFailure(endpoint, request, error, timeout), null);
        }
    }

    private Attempt SendBlocking(Uri endpoint, ApiRequest request, WriteMark mark, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var end = new Deadline(timeout);
        var shown = Shown();
        var attempt = SendBlocking(endpoint, request, mark, shown, timeout, cancellationToken);
        return IsWorthAnother(attempt, shown) && end.Left is var left && left > TimeSpan.Zero
            ? SendBlocking(endpoint, request, mark, Shown(), left, cancellationToken)
            : attempt;
    }

    private Attempt SendBlocking(
        Uri endpoint, ApiRequest request, WriteMark mark, Credentials shown, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var isSecure = endpoint.Scheme == Uri.UriSchemeHttps;
        var result = _blocking.Send(
            endpoint, request, mark, isSecure ? shown.Identity : null, timeout, cancellationToken, shown.HeaderFor(endpoint));
        return result.Answer is { } answer
            ? answer.Heard.Judge(endpoint, request)
            : ClassifyFailure(endpoint, request, result.Failure, result.Unsent, IsTimeout(result.Failure), timeout);
    }

    private static HttpRequestMessage CreateMessage(Uri endpoint, ApiRequest request, WriteMark mark, Credentials shown)
    {
        // Sent as encoded: System.Uri would fold "." segments and decode what the server must see encoded.
        var target = new Uri(
            endpoint.GetLeftPart(UriPartial.Authority) + request.Target,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var message = new HttpRequestMessage(request.Method, target);
        if (request.Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(request.ContentType);
        }
        else if (request.IsWrite)
        {
            // A request with content, be it empty, is not sent a second time behind our back when a kept connection breaks. Such a
            // hidden resend that is then refused would look like "nothing was sent" though the first send may have taken effect.
            message.Content = new ByteArrayContent([]);
        }
        if (shown.HeaderFor(endpoint) is { } token)
        {
            message.Headers.TryAddWithoutValidation("Authorization", token);
        }
        if (mark.Header is var (name, value))
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }
        if (request.IfMatch is not null)
        {
            message.Headers.TryAddWithoutValidation("If-Match", request.IfMatch);
        }
        if (request.IfNoneMatch is not null)
        {
            message.Headers.TryAddWithoutValidation("If-None-Match", request.IfNoneMatch);
        }
        if (request.Accept is not null)
        {
            message.Headers.TryAddWithoutValidation("Accept", request.Accept);
        }
        if (request.LastEventId is { } last)
        {
            message.Headers.TryAddWithoutValidation("Last-Event-ID", last.ToString(CultureInfo.InvariantCulture));
        }
        return message;
    }

    private static HeardAnswer Heard(HttpResponseMessage response, byte[] body) =>
        new((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, response.Headers.RetryAfter?.Delta, body);

    /// <summary>True for what a broken or silent connection throws, and not for the caller's own cancellation.</summary>
    public static bool IsFailure(Exception error, CancellationToken cancellationToken) => error switch
    {
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        HttpRequestException or IOException or SocketException => !cancellationToken.IsCancellationRequested,
        _ => false,
    };

    private static Attempt ClassifyFailure(Uri endpoint, ApiRequest request, Exception error, TimeSpan timeout)
    {
        // These say that no connection was made, so not a byte of the request left this machine. The last is ConnectTimeout's.
        var unsent = error is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError,
        } or OperationCanceledException { InnerException: TimeoutException };
        return ClassifyFailure(endpoint, request, error, unsent, error is OperationCanceledException, timeout);
    }

    private static Attempt ClassifyFailure(Uri endpoint, ApiRequest request, Exception? error, bool unsent, bool timedOut, TimeSpan timeout)
    {
        var trouble = TlsException.In(error);
        if (trouble is { IsLasting: true })
        {
            return new Attempt(AttemptKind.NothingDone, endpoint) { Detail = trouble.Message, IsUntrusted = true };
        }
        var detail = (unsent, timedOut, IsTooLarge(error)) switch
        {
            (true, _, _) => trouble?.Message ?? $"{endpoint.Authority} accepts no connection.",
            (_, true, _) => $"{endpoint.Authority} did not answer within {timeout.TotalSeconds:0.#} s.",
            (_, _, true) => $"{endpoint.Authority} answered with more than {MaxAnswerBytes >> 20} MiB.",
            _ => $"{endpoint.Authority} closed the connection before it answered.",
        };
        var kind = unsent || !request.IsWrite ? AttemptKind.NothingDone : AttemptKind.Unknown;
        return new Attempt(kind, endpoint) { Detail = detail, Unreachable = unsent };
    }

    private static bool IsTooLarge(Exception? failure) =>
        failure is AnswerTooLargeException or HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded };

    private static bool IsTimeout(Exception? failure) =>
        failure is TimeoutException or SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock };

    /// <summary>Who this is, in both ways that there are.</summary>
    /// <param name="Identity">With what connections over https are made.</param>
    /// <param name="Token">Null: none is sent.</param>
    private readonly record struct Credentials(TlsIdentity Identity, TokenHeader? Token)
    {
        /// <summary>Null where nothing is sent: whatever the options said, a token goes to nobody in the clear.</summary>
        public string? HeaderFor(Uri endpoint) => Token is not null && ClientToken.MayGoTo(endpoint) ? Token.Text : null;
    }
}
