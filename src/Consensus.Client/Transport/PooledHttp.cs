using System.Net;
using System.Net.Sockets;
using Consensus.Client.Tls;

namespace Consensus.Client.Transport;

/// <summary>
/// <see cref="HttpClient"/> with connections of one identity only: when another one is to be used, no connection of the one before
/// carries a new request, and what is under way over those goes on to its end. Thread-safe.
/// </summary>
/// <param name="time">By whose wall clock certificates are judged.</param>
internal sealed class PooledHttp(TimeSpan connectTimeout, NameLookups names, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private Pool? _pool;
    private bool _isDisposed;

    /// <inheritdoc cref="BlockingHttp.HasToken"/>
    public bool HasToken { get; init; }

    /// <inheritdoc cref="BlockingHttp.SocketPath"/>
    public string? SocketPath { get; init; }

    /// <summary>Sends to whoever the message names.</summary>
    /// <param name="identity">With what connections over https are secured.</param>
    /// <exception cref="ObjectDisposedException">This was disposed of.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage message, TlsIdentity identity, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        var pool = Enter(identity);
        try
        {
            return await pool.Client.SendAsync(message, completion, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave(pool);
        }
    }

    public void Dispose()
    {
        Pool? last;
        lock (_gate)
        {
            (_isDisposed, last) = (true, _pool);
        }
        last?.Client.Dispose();
        last?.Handler.Dispose();
    }

    private Pool Enter(TlsIdentity identity)
    {
        Pool? retired = null;
        Pool pool;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(ConsensusApiClient));
            if (_pool is null || _pool.Identity != identity)
            {
                retired = _pool is { Users: 0 } ? _pool : null;
                _pool = Create(identity);
            }
            pool = _pool;
            pool.Users++;
        }
        retired?.Handler.Dispose();
        return pool;
    }

    /// <summary>
    /// The last who uses a pool that is not the present one closes it; answers that are still being read keep their connections.
    /// </summary>
    private void Leave(Pool pool)
    {
        lock (_gate)
        {
            if (--pool.Users > 0 || pool == _pool)
            {
                return;
            }
        }
        pool.Handler.Dispose();
    }

    private Pool Create(TlsIdentity identity)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = connectTimeout,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(context, identity, cancellationToken),
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        };
        var client = new HttpClient(handler, disposeHandler: false)
        {
            // Each request carries its own deadline, for some wait minutes for a lock.
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = HttpTransport.MaxAnswerBytes,
        };
        return new Pool(identity, handler, client);
    }

    /// <summary>
    /// TLS is begun here, so that a failure has the same words on both ways out; a stream that is secured already is used as it is.
    /// </summary>
    private async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, TlsIdentity identity, CancellationToken cancellationToken)
    {
        if (SocketPath is { } path)
        {
            var local = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await local.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
                return new NetworkStream(local, ownsSocket: true);
            }
            catch
            {
                local.Dispose();
                throw;
            }
        }
        var to = context.DnsEndPoint;
        var addresses = await names.LookUpAsync(to.Host).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (context.InitialRequestMessage.RequestUri is not { } endpoint || endpoint.Scheme != Uri.UriSchemeHttps)
        {
            return new NetworkStream(await ConnectAsync(addresses, to.Port, cancellationToken).ConfigureAwait(false), ownsSocket: true);
        }
        for (var isSecond = false; ; isSecond = true)
        {
            var socket = await ConnectAsync(addresses, to.Port, cancellationToken).ConfigureAwait(false);
            try
            {
                return await new TlsHandshake(endpoint, identity, HasToken, time.GetUtcNow(), isSecond)
                    .BeginAsync(new WireStream(socket), cancellationToken).ConfigureAwait(false);
            }
            catch (TlsException unwanted) when (unwanted.IsUnwanted && !isSecond)
            {
                // Once more, for it may be a server that ends.
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private static async Task<Socket> ConnectAsync(IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            KeepAliveProbes.Enable(socket);
            await socket.ConnectAsync(addresses, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The connections of one identity.</summary>
    private sealed class Pool(TlsIdentity identity, SocketsHttpHandler handler, HttpClient client)
    {
        public TlsIdentity Identity => identity;

        public SocketsHttpHandler Handler => handler;

        public HttpClient Client => client;

        /// <summary>Requests whose answer's head is waited for.</summary>
        public int Users { get; set; }
    }
}
