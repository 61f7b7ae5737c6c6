using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Consensus.Server.Connections;

/// <summary>
/// Over HTTP/1.1 the server reads on while a request waits, or a stream is sent, and so hears when the client is gone: but only up to what it keeps unread. A client that has sent more
/// than that behind such a request would keep its place in the line for ever after it is gone. So it is cut off. HTTP/2 is read on in any case: its frames say to which request they belong.
/// </summary>
internal sealed class UnreadBehindWaits(TimeProvider clock)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>The server takes what it may take at once: what lies there for so many looks it does not take.</summary>
    private const int LooksToCutOff = 3;

    private readonly Lock _gate = new();
    private readonly HashSet<Waiting> _all = [];
    private ITimer? _timer;

    /// <summary>Of a connection: finds the owner by its requests.</summary>
    internal sealed record Connection(UnreadBehindWaits Owner, Socket Socket);

    public Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<ConnectionStreams>() is null && connection.Features.Get<IConnectionSocketFeature>() is { Socket: { } socket })
        {
            connection.Features.Set(new Connection(this, socket));
        }
        return next(connection);
    }

    /// <summary>From here on the request may take as long as it likes, until it is disposed of; null where nothing needs to be watched.</summary>
    public static IDisposable? While(HttpContext http) => http.Features.Get<Connection>() is { } connection ? connection.Owner.Add(http, connection.Socket) : null;

    private Waiting Add(HttpContext http, Socket socket)
    {
        var waiting = new Waiting(this, http, socket);
        lock (_gate)
        {
            _all.Add(waiting);
            _timer ??= clock.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
        }
        return waiting;
    }

    private void Remove(Waiting waiting)
    {
        lock (_gate)
        {
            _all.Remove(waiting);
            if (_all.Count == 0)
            {
                _timer?.Dispose();
                _timer = null;
            }
        }
    }

    private void Look()
    {
        Waiting[] all;
        lock (_gate)
        {
            all = [.. _all];
        }
        foreach (var waiting in all)
        {
            waiting.Look();
        }
    }

    private sealed class Waiting(UnreadBehindWaits owner, HttpContext http, Socket socket) : IDisposable
    {
        private readonly Lock _turn = new();
        private int _looks;
        private bool _isOver;

        public void Look()
        {
            lock (_turn)
            {
                if (_isOver)
                {
                    return;
                }
                _looks = HasUnread() ? _looks + 1 : 0;
                if (_looks == LooksToCutOff)
                {
                    http.Abort();
                }
            }
        }

        public void Dispose()
        {
            lock (_turn)
            {
                // The context is another request's after this.
                _isOver = true;
            }
            owner.Remove(this);
        }

        /// <summary>Bytes, or the end of the connection.</summary>
        private bool HasUnread()
        {
            try
            {
                return socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }
}
