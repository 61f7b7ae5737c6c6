using System.Net.Sockets;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Listening;

namespace Consensus.Transport.Links;

/// <summary>
/// Receives one link's frames on the connection's own thread: blocking reads into a reused buffer, then every whole frame in it, in order.
/// </summary>
internal static class IncomingLink
{
    /// <summary>Returns when the link ends.</summary>
    /// <exception cref="WireFormatException">The bytes are no frames, or the node cannot read one: the link must close.</exception>
    public static void Serve(MemberId from, AcceptedConnection connection, IPeerEvents events, int maxFrameBytes)
    {
        var buffer = new ReceiveBuffer(maxFrameBytes);
        while (true)
        {
            var count = connection.Socket.Receive(buffer.Free, SocketFlags.None, out var error);
            if (error != SocketError.Success || count == 0)
            {
                return;
            }
            buffer.Added(count);
            while (buffer.TryTakeFrame(out var frame))
            {
                // Once a newer link took over, or the member was removed, nothing of the old one may arrive.
                if (connection.IsAborted)
                {
                    return;
                }
                events.Received(from, frame);
            }
        }
    }
}
