using System.Net;
using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Security.Generations;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Listening;

/// <param name="MaxConnections">Accepted connections at a time, of all kinds.</param>
/// <param name="MaxUnwelcomed">
/// Of these, those whose handshake is not over. One more closes the oldest of the address that has most of them, so that strangers cannot
/// keep members out.
/// </param>
/// <param name="MaxUnwelcomedFromOneAddress">One more closes the oldest of that address, so that nobody takes another's room.</param>
public sealed record PeerListenerOptions(int MaxConnections = 64, int MaxUnwelcomed = 16, int MaxUnwelcomedFromOneAddress = 8)
{
    /// <summary>
    /// As <see cref="PeerTransportOptions.Tls"/>: whoever dials shows a member's certificate before a byte of his is read.
    /// </summary>
    public ITlsSource? Tls { get; init; }

    /// <summary>A connection that has not ended its handshake by then, TLS and Hello together, is closed.</summary>
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
/// and 4 KiB, under TLS about 100 KiB, until the time-out.
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
            connection = new AcceptedConnection(socket, RemoteOf(socket));
            if (_stopped.IsSet || !MakeRoom(connection.Address))
            {
                socket.Dispose();
                return;
            }
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

    /// <summary>
    /// The oldest connection without a Welcome makes room for a new one: members shake hands within milliseconds, strangers linger. It is
    /// one of the same address when that has its share already, and else of the address that has most.
    /// </summary>
    private bool MakeRoom(IPAddress from)
    {
        var unwelcomed = _connections.Where(connection => !connection.IsWelcomed).ToList();
        var ofOne = unwelcomed.Where(connection => connection.Address.Equals(from)).ToList();
        if (ofOne.Count >= _options.MaxUnwelcomedFromOneAddress)
        {
            Close(ofOne[0]);
            return true;
        }
        if (unwelcomed.Count < _options.MaxUnwelcomed && _connections.Count < _options.MaxConnections)
        {
            return true;
        }
        if (unwelcomed.Count == 0)
        {
            _strangers.Say(TransportLogLevel.Warning, $"a peer connection was refused: {_connections.Count} are open");
            return false;
        }
        // Counted as if the new one were among them. Of several that have most, that of the oldest connection.
        Close(unwelcomed.GroupBy(connection => connection.Address).MaxBy(one => one.Count() + (one.Key.Equals(from) ? 1 : 0))!.First());
        return true;
    }

    private void Close(AcceptedConnection oldest)
    {
        oldest.Abort();
        _connections.Remove(oldest);
    }

    private void Serve(AcceptedConnection connection)
    {
        try
        {
            SocketIo.Prepare(connection.Channel.Socket);
            ShakeHandsAndServe(connection);
        }
        catch (PeerTlsException e) when (e.Failure == PeerTlsFailure.NotBelieved)
        {
            _refusals.Say(TransportLogLevel.Warning, $"the peer connection from {connection.Remote} was refused: {e.Message}");
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
        connection.Channel.Dispose();
        lock (_gate)
        {
            _connections.Remove(connection);
            _threads.Remove(connection.Thread!);
        }
    }

    private void ShakeHandsAndServe(AcceptedConnection connection)
    {
        var deadline = new Deadline(_options.Time, _options.HandshakeTimeout);
        var channel = connection.Channel;
        if (_options.Tls is { } tls)
        {
            channel.Accept(tls, deadline);
        }
        var received = HandshakeChannel.Receive(channel, deadline, out var message);
        if (message is not Hello hello)
        {
            _strangers.Say(TransportLogLevel.Debug, $"the peer connection from {connection.Remote} ended before its Hello ({received})");
            return;
        }
        var policy = _policy;
        // Before the policy, which believes what the Hello says and notes it.
        var reply = Mismatch(hello, channel) ?? policy.Judge(hello);
        if (reply is Refusal { IsTransient: false } refusal)
        {
            _refusals.Say(TransportLogLevel.Warning, $"the peer connection from {connection.Remote} was refused: {refusal.Sentence}");
        }
        using var announced = reply is Welcome ? policy.Announce(hello) : null;
        if (HandshakeChannel.Send(channel, reply, deadline) != IoResult.Done || reply is not Welcome)
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

    /// <summary>Null unless the certificate is another's than the Hello's: who has one member's key may not speak for another.</summary>
    private Refusal? Mismatch(Hello hello, PeerConnection channel) =>
        channel.Tls is { } session && session.Member != hello.Identity.Name
            ? new Refusal(
                RefusalCode.CertificateMismatch,
                $"{hello.Identity.Name} presented the certificate of {session.Member}.",
                ClusterId.None,
                _options.Tls!.Current.Peer.Name!.Name)
            : null;

    private static IPEndPoint? RemoteOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint as IPEndPoint;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
