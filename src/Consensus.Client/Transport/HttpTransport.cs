using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Consensus.Client.Transport;

/// <summary>Sends one request once to one endpoint and classifies what came of it. Thread-safe.</summary>
internal sealed class HttpTransport : IDisposable
{
    /// <summary>What a socket takes at once: the answer to more may come, and the connection end, while it is being sent.</summary>
    private const int MaxBlockingBody = 16 * 1024;

    /// <summary>The largest answers of a member (a page of 4 MiB of values, each byte of them escaped) have some 30 MiB. Nobody's word for a length is believed: memory is taken for what comes.</summary>
    public const int MaxAnswerBytes = 64 << 20;

    private readonly bool _sendsOnCallingThread;
    private readonly Lazy<HttpClient> _http;
    private readonly BlockingHttp _blocking;

    public HttpTransport(ConsensusClientOptions options)
    {
        _sendsOnCallingThread = options.SendsOnCallingThread;
        var names = new NameLookups(options.ResolveName);
        _blocking = new BlockingHttp(options.ConnectTimeout, names);
        _http = new Lazy<HttpClient>(() => CreateClient(options.ConnectTimeout, names));
    }

    public Task<Attempt> SendAsync(Uri endpoint, ApiRequest request, WriteMark mark, TimeSpan timeout,
        CancellationToken cancellationToken) =>
        _sendsOnCallingThread && IsSimple(endpoint, request)
            ? Task.FromResult(SendBlocking(endpoint, request, mark, timeout, cancellationToken))
            : SendBesideAsync(endpoint, request, mark, timeout, cancellationToken);

    /// <summary>Plain HTTP, and nothing that could block beyond a deadline: no name that a resolver must be asked for, no body that fills a socket.</summary>
    private static bool IsSimple(Uri endpoint, ApiRequest request) =>
        endpoint.Scheme == Uri.UriSchemeHttp
        && (endpoint.IsLoopback || endpoint.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6)
        && request.Body is not { Length: > MaxBlockingBody };

    /// <summary>As <see cref="SendAsync"/>, and never on the calling thread: for who sends more than one at a time.</summary>
    public async Task<Attempt> SendBesideAsync(
        Uri endpoint, ApiRequest request, WriteMark mark, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            using var message = CreateMessage(endpoint, request, mark);
            using var response = await _http.Value.SendAsync(message, HttpCompletionOption.ResponseContentRead, deadline.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            return Heard(response, body).Judge(endpoint, request);
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            return ClassifyFailure(endpoint, request, error, timeout);
        }
    }

    /// <summary>
    /// Asks for an answer that is not held whole: an event stream, a snapshot. When the attempt is done, the response is the caller's to read and dispose of; else it is null.
    /// </summary>
    /// <param name="mediaType">Of the answer, when a member gives it.</param>
    /// <param name="timeout">For the head of the answer.</param>
    public async Task<(Attempt Attempt, HttpResponseMessage? Response)> OpenStreamAsync(
        Uri endpoint, ApiRequest request, string mediaType, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        HttpResponseMessage? response = null;
        try
        {
            using var message = CreateMessage(endpoint, request, default);
            response = await _http.Value.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, deadline.Token).ConfigureAwait(false);
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

    /// <summary>
    /// As <see cref="SendAsync"/>, wholly on the calling thread: a renewal must not wait for a busy thread pool. Only for what may be sent twice. Over TLS a new
    /// connection still takes the pool.
    /// </summary>
    public Attempt Send(Uri endpoint, ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (endpoint.Scheme == Uri.UriSchemeHttp)
        {
            return SendBlocking(endpoint, request, default, timeout, cancellationToken);
        }
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            using var message = CreateMessage(endpoint, request, default);
            using var response = _http.Value.Send(message, HttpCompletionOption.ResponseContentRead, deadline.Token);
            using var body = new MemoryStream();
            response.Content.CopyTo(body, null, deadline.Token);
            return Heard(response, body.ToArray()).Judge(endpoint, request);
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            return ClassifyFailure(endpoint, request, error, timeout);
        }
    }

    public void Dispose()
    {
        if (_http.IsValueCreated)
        {
            _http.Value.Dispose();
        }
        _blocking.Dispose();
    }

    private static HttpClient CreateClient(TimeSpan connectTimeout, NameLookups names) => new(new SocketsHttpHandler
    {
        ConnectTimeout = connectTimeout,
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, names, cancellationToken),
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
    })
    {
        // Each request carries its own deadline, for some wait minutes for a lock.
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = MaxAnswerBytes,
    };

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint to, NameLookups names, CancellationToken cancellationToken)
    {
        var addresses = await names.LookUpAsync(to.Host).WaitAsync(cancellationToken).ConfigureAwait(false);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            KeepAliveProbes.Enable(socket);
            await socket.ConnectAsync(addresses, to.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Attempt SendBlocking(Uri endpoint, ApiRequest request, WriteMark mark, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var result = _blocking.Send(endpoint, request, mark, timeout, cancellationToken);
        return result.Answer is { } answer
            ? answer.Heard.Judge(endpoint, request)
            : ClassifyFailure(endpoint, request, result.Unsent, IsTimeout(result.Failure), IsTooLarge(result.Failure), timeout);
    }

    private static HttpRequestMessage CreateMessage(Uri endpoint, ApiRequest request, WriteMark mark)
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
        return ClassifyFailure(endpoint, request, unsent, error is OperationCanceledException, IsTooLarge(error), timeout);
    }

    private static Attempt ClassifyFailure(Uri endpoint, ApiRequest request, bool unsent, bool timedOut, bool tooLarge, TimeSpan timeout)
    {
        var detail = (unsent, timedOut, tooLarge) switch
        {
            (true, _, _) => $"{endpoint.Authority} accepts no connection.",
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
}
