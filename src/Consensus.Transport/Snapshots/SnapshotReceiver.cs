using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Listening;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Snapshots;

/// <summary>Takes in one snapshot file on the connection's own thread.</summary>
internal static class SnapshotReceiver
{
    /// <summary>
    /// Returns when the transfer ended, well or not. The sender hears whether it may send before it sends a byte of the content, and that it is done only after
    /// <see cref="ISnapshotArrival.Complete"/> returned.
    /// </summary>
    public static void Serve(MemberId from, AcceptedConnection connection, IPeerEvents events, TimeSpan stall)
    {
        var buffer = new byte[SnapshotParts.ChunkBytes];
        if (SnapshotParts.Receive(connection.Channel, ref buffer, SnapshotParts.MaxPartBytes, stall) is not { } start)
        {
            return;
        }
        var (length, header) = SnapshotParts.ReadStart(start.Span);
        using var arrival = events.SnapshotArriving(from, header, length, out var rejection);
        if (arrival is null)
        {
            Answer(connection, new SnapshotAnswer.No(rejection!), stall);
            return;
        }
        Invariant.Require(arrival.TakenBytes >= 0 && arrival.TakenBytes <= length, "no more of a file is here than it has");
        if (!Answer(connection, new SnapshotAnswer.Go(arrival.TakenBytes), stall))
        {
            return;
        }
        var answer = TakeContent(arrival, connection, buffer, length, stall);
        if (answer is null || !Answer(connection, answer, stall) || answer is SnapshotAnswer.Done)
        {
            return;
        }
        // Closed at once, with content unread, the connection would be reset and the answer might be lost with it. The sender closes when it has read it.
        connection.Channel.DropUntilClosed(buffer, stall);
    }

    private static bool Answer(AcceptedConnection connection, SnapshotAnswer answer, TimeSpan stall) =>
        connection.Channel.Send(SnapshotParts.Answer(answer), stall) == IoResult.Done;

    /// <summary>Null when the connection ended or stalled.</summary>
    private static SnapshotAnswer? TakeContent(ISnapshotArrival arrival, AcceptedConnection connection, byte[] buffer, long length, TimeSpan stall)
    {
        var crc = 0u;
        for (var taken = arrival.TakenBytes; taken < length;)
        {
            if (connection.Channel.Doubt is { } doubt)
            {
                throw new PeerTlsException(PeerTlsFailure.NotBelieved, doubt);
            }
            var part = SnapshotParts.Receive(connection.Channel, ref buffer, SnapshotParts.ChunkBytes, stall);
            if (part is not { } chunk || connection.IsAborted)
            {
                return null;
            }
            if (chunk.Length == 0 || chunk.Length > length - taken)
            {
                throw new WireFormatException("a snapshot of another length than announced");
            }
            if (arrival.Write(chunk.Span) is { } rejection)
            {
                return new SnapshotAnswer.No(rejection);
            }
            crc = Crc32C.Append(crc, chunk.Span);
            taken += chunk.Length;
        }
        if (SnapshotParts.Receive(connection.Channel, ref buffer, SnapshotParts.MaxPartBytes, stall) is not { } end || connection.IsAborted)
        {
            return null;
        }
        if (SnapshotParts.ReadEnd(end.Span) != crc)
        {
            throw new WireFormatException("a snapshot with a wrong CRC");
        }
        return arrival.Complete() is { } wrong ? new SnapshotAnswer.No(wrong) : new SnapshotAnswer.Done();
    }
}
