using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Listening;

namespace Consensus.Transport.Snapshots;

/// <summary>Takes in one snapshot file on the connection's own thread.</summary>
internal static class SnapshotReceiver
{
    /// <summary>
    /// Returns when the transfer ended, well or not. The sender hears "accepted" only after <see cref="ISnapshotArrival.Complete"/> returned.
    /// </summary>
    public static void Serve(MemberId from, AcceptedConnection connection, IPeerEvents events, TimeSpan stall)
    {
        var buffer = new byte[SnapshotParts.ChunkBytes];
        if (SnapshotParts.Receive(connection.Socket, ref buffer, SnapshotParts.MaxPartBytes, stall) is not { } start)
        {
            return;
        }
        var (length, header) = SnapshotParts.ReadStart(start.Span);
        using var arrival = events.SnapshotArriving(from, header, length);
        var accepted = arrival is not null && TakeContent(arrival, connection, buffer, length, stall);
        if (accepted || arrival is null)
        {
            SocketIo.Send(connection.Socket, SnapshotParts.Ack(accepted), stall);
        }
    }

    private static bool TakeContent(ISnapshotArrival arrival, AcceptedConnection connection, byte[] buffer, long length, TimeSpan stall)
    {
        var crc = 0u;
        for (var taken = 0L; taken < length;)
        {
            if (SnapshotParts.Receive(connection.Socket, ref buffer, SnapshotParts.ChunkBytes, stall) is not { } chunk || connection.IsAborted)
            {
                return false;
            }
            if (chunk.Length == 0 || chunk.Length > length - taken)
            {
                throw new WireFormatException("a snapshot of another length than announced");
            }
            arrival.Write(chunk.Span);
            crc = Crc32C.Extend(crc, chunk.Span);
            taken += chunk.Length;
        }
        if (SnapshotParts.Receive(connection.Socket, ref buffer, SnapshotParts.MaxPartBytes, stall) is not { } end || connection.IsAborted)
        {
            return false;
        }
        if (SnapshotParts.ReadEnd(end.Span) != crc)
        {
            throw new WireFormatException("a snapshot with a wrong CRC");
        }
        arrival.Complete();
        return true;
    }
}
