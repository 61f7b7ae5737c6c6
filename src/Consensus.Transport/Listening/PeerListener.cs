using System.Net;
using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Listening;

/// <param name="MaxConnections">Accepted connections at a time, of all kinds.</param>
/// <param name="MaxUnwelcomed">Of these, those whose handshake is not over. One more closes the oldest of them, so that strangers cannot keep members out.</param>
public sealed record PeerListenerOptions(int MaxConnections = 64, int MaxUnwelcomed = 16)
{
    /// <summary>A connection that has not ended its handshake by then is closed.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TransportLog Log { get; init; } = (_, _) => { };

    /// <summary>As <see cref="PeerTransportOptions.Fatal"/>.</summary>
    public Action<string, Exception?> Fatal { get; init; } = GuardedThread.FailFast;

    /// <summary>Accepts the next connection; a test's may have no file descriptor left.</summary>
    internal Func<Socket, Socket> Accept { get; init; } = socket => socket.Accept();
}

/// <summary>
/// The one peer address that a member listens on, from before the cluster is formed until the process ends. Who is let in is decided by a
/// policy that formation and then the transport put in place; until then everyone is told to try again.
/// </summary>
/// <remarks>
/// Threads: one that accepts, and one for each connection, which shakes hands and then serves it. A stranger's bytes cost at most a thread
/// and 4 KiB until the time-out.
/// </remarks>
public sealed class PeerListener : IDisposable
{
    /// <summary>Pause when the process has no file descriptor or thread left.</summary>
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(50);

    private readonly Socket _socket;
    private readonly PeerListenerOptions _options;
    private readonly RateLimitedLog _strangers;
    private readonly RateLimitedLog _refusals;
    private readonly Lock _gate = new();
    private readonly List<AcceptedConnection> _connections = [];
    private readonly HashSet<Thread> _threads = [];
    private readonly ManualResetEventSlim _stopped = new();
    private readonly Thread _acceptThread;
    private volatile IConnectionPolicy _policy = new NotReadyPolicy();

    private PeerListener(Socket socket, PeerListenerOptions options)
    {
        _socket = socket;
        _options = options;
        _strangers = new RateLimitedLog(options.Log, options.Time);
        _refusals = new RateLimitedLog(options.Log, options.Time);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _acceptThread = GuardedThread.Of("peer accept", Accept, options.Fatal);
        _acceptThread.Start();
    }

    /// <summary>Where it listens: with the real port when 0 was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Starts to listen. Throws <see cref="SocketException"/> when the address cannot be had.</summary>
    public static PeerListener Start(IPEndPoint address, PeerListenerOptions? options = null)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(address);
            socket.Listen(128);
            return new PeerListener(socket, options ?? new PeerListenerOptions());
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>From now on this policy judges.</summary>
    internal void Use(IConnectionPolicy policy) => _policy = policy;

    /// <summary>Accepted connections that are not closed yet.</summary>
    internal int ConnectionCount
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>Closes the port; connections stay. Others that dial from now on are refused by the host.</summary>
    public void StopAccepting()
    {
        lock (_gate)
        {
            if (_stopped.IsSet)
            {
                return;
            }
            _stopped.Set();
        }
        _socket.Dispose();
        JoinUnlessSelf(_acceptThread);
    }

    /// <summary>Closes the port and every connection, and waits for their threads.</summary>
    public void Dispose()
    {
        StopAccepting();
        Thread[] threads;
        lock (_gate)
        {
            threads = [.. _threads];
            foreach (var connection in _connections)
            {
                connection.Abort();
            }
        }
        foreach (var thread in threads)
        {
            JoinUnlessSelf(thread);
        }
    }

    private static void JoinUnlessSelf(Thread thread)
    {
        if (thread != Thread.CurrentThread)
        {
            thread.Join();
        }
    }

    private void Accept()
    {
        while (!_stopped.IsSet)
        {
            try
            {
                Admit(_options.Accept(_socket));
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or OutOfMemoryException)
            {
                // Too many open files, mostly, or no thread for a connection: whoever dialled tries again.
                if (!_stopped.Wait(AcceptPause))
                {
                    _strangers.Say(TransportLogLevel.Warning, $"accepting a peer connection failed: {e.Message}");
                }
            }
        }
    }

    private void Admit(Socket socket)
    {
        AcceptedConnection connection;
        lock (_gate)
        {
            if (_stopped.IsSet || !MakeRoom())
            {
                socket.Dispose();
                return;
            }
            connection = new AcceptedConnection(socket, RemoteOf(socket));
            connection.Thread = GuardedThread.Of("peer connection", () => Serve(connection), _options.Fatal);
            _connections.Add(connection);
            _threads.Add(connection.Thread);
        }
        try
        {
            connection.Thread.Start();
        }
        catch (OutOfMemoryException)
        {
            Forget(connection);
            throw;
        }
    }

    /// <summary>The oldest connection without a Welcome makes room for a new one: members shake hands within milliseconds, strangers linger.</summary>
    private bool MakeRoom()
    {
        var unwelcomed = _connections.Count(connection => !connection.IsWelcomed);
        if (unwelcomed < _options.MaxUnwelcomed && _connections.Count < _options.MaxConnections)
        {
            return true;
        }
        if (unwelcomed == 0)
        {
            _strangers.Say(TransportLogLevel.Warning, $"a peer connection was refused: {_connections.Count} are open");
            return false;
        }
        var oldest = _connections.First(connection => !connection.IsWelcomed);
        oldest.Abort();
        _connections.Remove(oldest);
        return true;
    }

    private void Serve(AcceptedConnection connection)
    {
        try
        {
            SocketIo.Prepare(connection.Socket);
            ShakeHandsAndServe(connection);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or WireFormatException)
        {
            _strangers.Say(TransportLogLevel.Debug, $"the peer connection from {connection.Remote} was closed: {e.Message}");
        }
        finally
        {
            Forget(connection);
        }
    }

    private void Forget(AcceptedConnection connection)
    {
        connection.Socket.Dispose();
        lock (_gate)
        {
            _connections.Remove(connection);
            _threads.Remove(connection.Thread!);
        }
    }

    private void ShakeHandsAndServe(AcceptedConnection connection)
    {
        var deadline = new Deadline(_options.Time, _options.HandshakeTimeout);
        var received = HandshakeChannel.Receive(connection.Socket, deadline, out var message);
        if (message is not Hello hello)
        {
            _strangers.Say(TransportLogLevel.Debug, $"the peer connection from {connection.Remote} ended before its Hello ({received})");
            return;
        }
        var policy = _policy;
        var reply = policy.Judge(hello);
        if (reply is Refusal { IsTransient: false } refusal)
        {
            _refusals.Say(TransportLogLevel.Warning, $"the peer connection from {connection.Remote} was refused: {refusal.Sentence}");
        }
        if (HandshakeChannel.Send(connection.Socket, reply, deadline) != IoResult.Done || reply is not Welcome)
        {
            return;
        }
        lock (_gate)
        {
            if (connection.IsAborted)
            {
                return;
            }
            connection.IsWelcomed = true;
        }
        policy.Serve(hello, connection);
    }

    private static string RemoteOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint?.ToString() ?? "unknown";
        }
        catch (SocketException)
        {
            return "unknown";
        }
    }
}
