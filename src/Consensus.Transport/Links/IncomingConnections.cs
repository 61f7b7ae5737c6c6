using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Handshake;
using Consensus.Transport.Listening;
using Consensus.Transport.Snapshots;

namespace Consensus.Transport.Links;

/// <summary>
/// Connections that peers dialled: at most one link and one snapshot of each member. A newer one ends the older, and begins only when the
/// older one's thread is gone, so that events of one member are never told out of order or at the same time.
/// </summary>
/// <param name="linkTo">Our own link to a member; null when it is not a peer (any more).</param>
internal sealed class IncomingConnections(
    Func<FormedHandshake> handshake,
    Func<MemberId, OutgoingLink?> linkTo,
    IPeerEvents events,
    int maxFrameBytes,
    TimeSpan snapshotStall) : IConnectionPolicy
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(MemberId From, Purpose Purpose), AcceptedConnection> _standing = [];

    public HandshakeReply Judge(Hello hello) => handshake().Judge(hello);

    public void Serve(Hello hello, AcceptedConnection connection)
    {
        if (hello.Purpose == Purpose.Meet)
        {
            return;
        }
        var key = (hello.Identity.Member, hello.Purpose);
        AcceptedConnection? previous;
        lock (_gate)
        {
            _standing.TryGetValue(key, out previous);
            _standing[key] = connection;
        }
        try
        {
            previous?.Abort();
            previous?.Thread!.Join();
            Use(hello, connection);
        }
        finally
        {
            lock (_gate)
            {
                if (_standing.TryGetValue(key, out var current) && current == connection)
                {
                    _standing.Remove(key);
                }
            }
        }
    }

    /// <summary>Ends what a member that is no peer any more has dialled.</summary>
    public void Close(MemberId member)
    {
        lock (_gate)
        {
            foreach (var ((from, _), connection) in _standing)
            {
                if (from == member)
                {
                    connection.Abort();
                }
            }
        }
    }

    private void Use(Hello hello, AcceptedConnection connection)
    {
        var from = hello.Identity.Member;
        // Asked only now: the member may have been removed since its handshake was judged.
        if (linkTo(from) is not { } outgoing)
        {
            return;
        }
        if (hello.Purpose == Purpose.Link)
        {
            outgoing.Seen(hello.Identity.Boot);
            IncomingLink.Serve(from, connection, events, maxFrameBytes);
        }
        else
        {
            SnapshotReceiver.Serve(from, connection, events, snapshotStall);
        }
    }
}
