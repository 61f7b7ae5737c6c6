using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Snapshots;

/// <param name="Stall">Without progress for so long, a transfer failed.</param>
/// <param name="AckWithin">How long the receiver may take to make the whole file durable.</param>
internal sealed record SnapshotSettings(
    PeerIdentity Self,
    Func<FormedHandshake> Handshake,
    PeerDialer Dialer,
    TransportLog Log,
    TimeSpan Stall,
    TimeSpan AckWithin);

/// <summary>Sends one snapshot file on a connection and a thread of its own.</summary>
internal sealed class SnapshotSender(PeerEndpoint peer, ReadOnlyMemory<byte> header, Stream content, SnapshotSettings settings) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private volatile Socket? _socket;

    public PeerEndpoint Peer => peer;

    public ReadOnlyMemory<byte> Header => header;

    /// <summary>Ends the transfer soon, from any thread.</summary>
    public void Stop()
    {
        _stop.Cancel();
        Interlocked.MemoryBarrier();
        if (_socket is { } socket)
        {
            SocketIo.Shutdown(socket);
        }
    }

    /// <summary>Sends, waits for the receiver's word, and disposes of the content. True when the receiver has the file on its disk.</summary>
    public bool Run()
    {
        try
        {
            using (content)
            {
                // A connection of this purpose would end the one that is under way.
                if (_stop.IsCancellationRequested)
                {
                    return false;
                }
                var hello = new Hello(settings.Self, Purpose.Snapshot, peer.Name, "", []);
                var outcome = settings.Dialer.Dial(peer.Address, hello, _stop.Token);
                if (outcome.Status != DialStatus.Welcomed)
                {
                    return Failed(outcome.Detail);
                }
                using var socket = outcome.Socket!;
                _socket = socket;
                Interlocked.MemoryBarrier();
                if (_stop.IsCancellationRequested)
                {
                    return false;
                }
                var mistake = settings.Handshake().Mistaken((Welcome)outcome.Reply!, peer);
                return mistake is null ? Send(socket) : Failed(mistake);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or WireFormatException)
        {
            return Failed(e.Message);
        }
    }

    public void Dispose() => _stop.Dispose();

    private bool Send(Socket socket)
    {
        var length = content.Length - content.Position;
        if (SocketIo.Send(socket, SnapshotParts.Start(header.Span, length), settings.Stall) != IoResult.Done)
        {
            return Failed("the connection closed or stalled at its start");
        }
        var frame = new byte[FrameFormat.HeaderSize + SnapshotParts.ChunkBytes];
        var crc = 0u;
        for (var sent = 0L; sent < length;)
        {
            var body = frame.AsSpan(FrameFormat.HeaderSize, (int)Math.Min(SnapshotParts.ChunkBytes, length - sent));
            content.ReadExactly(body);
            FrameFormat.WriteHeader(frame, FrameFormat.SnapshotMagic, body);
            if (SocketIo.Send(socket, frame.AsSpan(0, FrameFormat.HeaderSize + body.Length), settings.Stall) != IoResult.Done)
            {
                return Failed($"the connection closed or stalled after {sent} of {length} bytes");
            }
            crc = Crc32C.Extend(crc, body);
            sent += body.Length;
        }
        if (SocketIo.Send(socket, SnapshotParts.End(crc), settings.Stall) != IoResult.Done)
        {
            return Failed("the connection closed or stalled at its end");
        }
        var buffer = new byte[FrameFormat.HeaderSize];
        var ack = SnapshotParts.Receive(socket, ref buffer, SnapshotParts.MaxPartBytes, settings.AckWithin);
        return ack is { } body2 && SnapshotParts.ReadAck(body2.Span) ? true : Failed("the receiver did not take it");
    }

    private bool Failed(string why)
    {
        if (!_stop.IsCancellationRequested)
        {
            settings.Log(TransportLogLevel.Warning, $"the snapshot for {peer.Name} was not sent: {why}");
        }
        return false;
    }
}
