using System.Net;
using System.Net.Sockets;
using Consensus.Primitives.Wire;
using Consensus.Security.Generations;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Dialing;

internal enum DialStatus
{
    /// <summary>The handshake ended well; the caller owns the connection, whose socket is non-blocking.</summary>
    Welcomed,

    /// <summary>The peer answered with a refusal.</summary>
    Refused,

    /// <summary>The host answered that nobody listens there (ECONNREFUSED).</summary>
    HostRefused,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>It connected, but the connection closed, or did not speak this protocol, before the handshake ended.</summary>
    Broken,

    /// <summary>No route, no such host, or we are stopping.</summary>
    Unreachable,

    /// <summary>This process or machine has no file descriptor or no memory left for a connection: tried again later as any other.</summary>
    Exhausted,

    /// <summary>
    /// One of the two does not believe the other's certificate, or does not speak TLS: whoever answers there is not known to be the peer.
    /// </summary>
    NotBelieved,
}

/// <param name="Detail">What happened, for a log, without the address that was dialled: whoever tells it names that. The end point is named where the address is a host name.</param>
internal readonly record struct DialOutcome(DialStatus Status, PeerConnection? Connection, HandshakeReply? Reply, string Detail);

/// <summary>
/// Connects to a peer and says Hello, on the calling thread; under TLS only to a member that shows the certificate of the one that is
/// wanted.
/// </summary>
/// <param name="tls">Null: plain.</param>
internal sealed class PeerDialer(TimeSpan dialTimeout, TimeSpan handshakeTimeout, TimeProvider time, ITlsSource? tls = null)
{
    private const string ClosedAfterTls =
        "closed after the TLS handshake: it is ending, or it does not believe this member's certificate, and then its log says why";

    /// <summary>How soon a dial notices that it shall stop.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(50);

    /// <summary>Makes a socket; a test's may have none to give.</summary>
    public Func<AddressFamily, Socket> Open { get; init; } = family => new Socket(family, SocketType.Stream, ProtocolType.Tcp);

    public DialOutcome Dial(string address, Hello hello, CancellationToken stop)
    {
        var endPoints = PeerAddress.Resolve(address, dialTimeout, stop);
        var outcome = new DialOutcome(DialStatus.Unreachable, null, null, "no such host is found");
        foreach (var endPoint in endPoints)
        {
            var latest = Dial(endPoint, endPoint.ToString() == address ? "" : $"{endPoint}: ", hello, stop);
            if (latest.Status is DialStatus.Welcomed or DialStatus.Refused)
            {
                return latest;
            }
            // "Nobody listens" is said only when every address of the name says so.
            outcome = outcome.Status is DialStatus.TimedOut or DialStatus.Broken or DialStatus.NotBelieved ? outcome : latest;
        }
        return outcome;
    }

    /// <param name="where">Goes before each detail.</param>
    private DialOutcome Dial(IPEndPoint endPoint, string where, Hello hello, CancellationToken stop)
    {
        PeerConnection? connection = null;
        var kept = false;
        try
        {
            var socket = Open(endPoint.AddressFamily);
            connection = new PeerConnection(socket);
            socket.Blocking = false;
            SocketIo.Prepare(socket);
            var status = Connect(socket, endPoint, stop);
            if (status != DialStatus.Welcomed)
            {
                return new DialOutcome(status, null, null, where + Words(status));
            }
            using var endOnStop = stop.Register(() => SocketIo.Shutdown(socket));
            var outcome = ShakeHands(connection, where, hello);
            kept = outcome.Status == DialStatus.Welcomed;
            return outcome;
        }
        catch (SocketException e)
        {
            return new DialOutcome(StatusOf(e.SocketErrorCode), null, null, where + e.Message);
        }
        finally
        {
            if (!kept)
            {
                connection?.Dispose();
            }
        }
    }

    private DialStatus Connect(Socket socket, IPEndPoint endPoint, CancellationToken stop)
    {
        var deadline = new Deadline(time, dialTimeout);
        try
        {
            socket.Connect(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Goes on in the kernel.
        }
        catch (SocketException e)
        {
            return StatusOf(e.SocketErrorCode);
        }
        while (!socket.Poll(deadline.Remaining < Slice ? deadline.Remaining : Slice, SelectMode.SelectWrite))
        {
            if (deadline.HasPassed || stop.IsCancellationRequested)
            {
                return DialStatus.TimedOut;
            }
        }
        if (stop.IsCancellationRequested)
        {
            return DialStatus.Unreachable;
        }
        var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != SocketError.Success)
        {
            return StatusOf(error);
        }
        // Dialling a free port of this very host can connect a socket with itself (TCP simultaneous open): nobody listens there.
        return Equals(socket.LocalEndPoint, socket.RemoteEndPoint) ? DialStatus.HostRefused : DialStatus.Welcomed;
    }

    private DialOutcome ShakeHands(PeerConnection connection, string where, Hello hello)
    {
        var deadline = new Deadline(time, handshakeTimeout);
        try
        {
            if (tls is not null)
            {
                connection.Dial(tls, hello.Wanted, deadline);
            }
            HandshakeMessage? message = null;
            var result = HandshakeChannel.Send(connection, hello, deadline);
            if (result == IoResult.Done)
            {
                result = HandshakeChannel.Receive(connection, deadline, out message);
            }
            if (connection.Tls is { } session && SpeakerOf(message) is { Length: > 0 } speaker && speaker != session.Member)
            {
                var mismatch = $"{where}{speaker} presented the certificate of {session.Member}";
                return new DialOutcome(DialStatus.NotBelieved, null, null, mismatch);
            }
            return (result, message) switch
            {
                (IoResult.Done, Welcome welcome) => new DialOutcome(DialStatus.Welcomed, connection, welcome, ""),
                (IoResult.Done, Refusal refusal) => new DialOutcome(DialStatus.Refused, null, refusal, refusal.Sentence),
                (IoResult.TimedOut, _) => new DialOutcome(DialStatus.TimedOut, null, null, where + "no answer to Hello"),
                // The dialler's certificate is judged when its own side of the handshake is over, and who refuses it closes without a word.
                _ when connection.Tls is not null => new DialOutcome(DialStatus.Broken, null, null, where + ClosedAfterTls),
                _ => new DialOutcome(DialStatus.Broken, null, null, where + "closed during the handshake"),
            };
        }
        catch (PeerTlsException e)
        {
            return new DialOutcome(StatusOf(e.Failure), null, null, where + e.Message);
        }
        catch (WireFormatException e)
        {
            return new DialOutcome(DialStatus.Broken, null, null, where + e.Message);
        }
    }

    /// <summary>Who says that he answers; empty where the answer does not say it.</summary>
    private static string SpeakerOf(HandshakeMessage? message) => message switch
    {
        Welcome welcome => welcome.Identity.Name,
        Refusal refusal => refusal.Name,
        _ => "",
    };

    private static DialStatus StatusOf(PeerTlsFailure failure) => failure switch
    {
        PeerTlsFailure.NotBelieved => DialStatus.NotBelieved,
        PeerTlsFailure.TimedOut => DialStatus.TimedOut,
        _ => DialStatus.Broken,
    };

    /// <summary>What an error of a call on the connection says, whichever call it came from.</summary>
    internal static DialStatus StatusOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => DialStatus.HostRefused,
        SocketError.TimedOut => DialStatus.TimedOut,
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable => DialStatus.Exhausted,
        // The last two of a connection that stood: it was reset since.
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.NotConnected or SocketError.Shutdown => DialStatus.Broken,
        _ => DialStatus.Unreachable,
    };

    private static string Words(DialStatus status) => status switch
    {
        DialStatus.HostRefused => "nobody listens there",
        DialStatus.TimedOut => "no answer",
        DialStatus.Broken => "reset while connecting",
        DialStatus.Exhausted => "no file descriptor or memory is left for a connection",
        _ => "not reachable",
    };
}
