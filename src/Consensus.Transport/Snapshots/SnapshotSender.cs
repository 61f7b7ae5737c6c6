using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Snapshots;

/// <param name="Stall">Without progress for so long, a transfer failed.</param>
/// <param name="AckWithin">How long the receiver may take to make the whole file durable.</param>
/// <param name="Fatal">Ends the process.</param>
internal sealed record SnapshotSettings(
    PeerIdentity Self,
    Func<FormedHandshake> Handshake,
    PeerDialer Dialer,
    TransportLog Log,
    TimeSpan Stall,
    TimeSpan AckWithin,
    Action<string, Exception?> Fatal);

/// <summary>Sends one snapshot file on a connection and a thread of its own.</summary>
internal sealed class SnapshotSender(PeerEndpoint peer, ReadOnlyMemory<byte> header, Stream content, SnapshotSettings settings) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private volatile PeerConnection? _connection;

    public PeerEndpoint Peer => peer;

    public ReadOnlyMemory<byte> Header => header;

    /// <summary>Ends the transfer soon, from any thread.</summary>
    public void Stop()
    {
        _stop.Cancel();
        Interlocked.MemoryBarrier();
        _connection?.Shutdown();
    }

    /// <summary>Sends, waits for the receiver's word, and disposes of the content.</summary>
    public SnapshotOutcome Run()
    {
        try
        {
            using (content)
            {
                // A connection of this purpose would end the one that is under way.
                if (_stop.IsCancellationRequested)
                {
                    return SnapshotOutcome.Broken;
                }
                var hello = new Hello(settings.Self, Purpose.Snapshot, peer.Name, "", []);
                var outcome = settings.Dialer.Dial(peer.Address, hello, _stop.Token);
                if (outcome.Status != DialStatus.Welcomed)
                {
                    return Broken($"{peer.Address}: {outcome.Detail}");
                }
                using var connection = outcome.Connection!;
                _connection = connection;
                Interlocked.MemoryBarrier();
                if (_stop.IsCancellationRequested)
                {
                    return SnapshotOutcome.Broken;
                }
                var mistake = settings.Handshake().Mistaken((Welcome)outcome.Reply!, peer);
                return mistake is null ? Send(connection) : Broken(mistake);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or WireFormatException)
        {
            return Broken(e.Message);
        }
    }

    public void Dispose() => _stop.Dispose();

    private SnapshotOutcome Send(PeerConnection connection)
    {
        var start = content.Position;
        var length = content.Length - start;
        if (connection.Send(SnapshotParts.Start(header.Span, length), settings.Stall) != IoResult.Done)
        {
            return Broken("the connection closed or stalled at its start");
        }
        switch (Receive(connection, settings.Stall))
        {
            case SnapshotAnswer.Go go when go.From >= 0 && go.From <= length:
                content.Position = start + go.From;
                return SendContent(connection, go.From, length);
            case SnapshotAnswer.No no:
                return Refused(no.Rejection);
            case null:
                return Broken("the receiver said nothing of it");
            default:
                return Broken("the receiver answered what cannot be");
        }
    }

    private SnapshotOutcome SendContent(PeerConnection connection, long sent, long length)
    {
        var frame = new byte[FrameFormat.HeaderSize + SnapshotParts.ChunkBytes];
        var crc = 0u;
        // It speaks before the end only to refuse.
        while (sent < length && !connection.HasNews)
        {
            if (connection.Doubt is { } doubt)
            {
                return Broken(doubt);
            }
            var body = frame.AsSpan(FrameFormat.HeaderSize, (int)Math.Min(SnapshotParts.ChunkBytes, length - sent));
            if (SnapshotContent.Read(content, body) is { } failure)
            {
                return Unreadable(failure);
            }
            FrameFormat.WriteHeader(frame, FrameFormat.SnapshotMagic, body);
            if (connection.Send(frame.AsSpan(0, FrameFormat.HeaderSize + body.Length), settings.Stall) != IoResult.Done)
            {
                return Broken($"the connection closed or stalled after {sent} of {length} bytes");
            }
            crc = Crc32C.Append(crc, body);
            sent += body.Length;
        }
        if (sent == length && connection.Send(SnapshotParts.End(crc), settings.Stall) != IoResult.Done)
        {
            return Broken("the connection closed or stalled at its end");
        }
        return Receive(connection, settings.AckWithin) switch
        {
            SnapshotAnswer.Done when sent == length => SnapshotOutcome.Taken,
            SnapshotAnswer.No no => Refused(no.Rejection),
            _ => Broken($"the receiver closed or stalled after {sent} of {length} bytes"),
        };
    }

    private static SnapshotAnswer? Receive(PeerConnection connection, TimeSpan within)
    {
        var buffer = new byte[FrameFormat.HeaderSize];
        return SnapshotParts.Receive(connection, ref buffer, SnapshotParts.MaxPartBytes, within) is { } body
            ? SnapshotParts.ReadAnswer(body.Span)
            : null;
    }

    private SnapshotOutcome Broken(string why)
    {
        if (!_stop.IsCancellationRequested)
        {
            settings.Log(TransportLogLevel.Warning, $"the snapshot for {peer.Name} was not sent: {why}");
        }
        return SnapshotOutcome.Broken;
    }

    private SnapshotOutcome Refused(SnapshotRejection rejection)
    {
        var level = rejection.ConcernsOperator ? TransportLogLevel.Warning : TransportLogLevel.Debug;
        settings.Log(level, $"{peer.Name} does not take the snapshot ({rejection.Reason}): {rejection.Sentence}");
        return new SnapshotOutcome(SnapshotEnd.Refused, rejection);
    }

    private SnapshotOutcome Unreadable(Exception failure)
    {
        settings.Log(TransportLogLevel.Warning, $"the snapshot for {peer.Name} was not sent, because it cannot be read here: {failure.Message}");
        return new SnapshotOutcome(SnapshotEnd.Unreadable);
    }
}
