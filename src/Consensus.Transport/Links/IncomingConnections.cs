using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Joining;
using Consensus.Transport.Listening;
using Consensus.Transport.Snapshots;

namespace Consensus.Transport.Links;

/// <summary>
/// Connections that other members dialled: at most one link and one snapshot of each. A newer one ends the older, and begins only when the
/// older one's thread is gone, so that events of one member are never told out of order or at the same time. One that renews a link lets
/// the older be read to its end first, so that nothing is lost.
/// </summary>
internal sealed class IncomingConnections(
    Func<FormedHandshake> handshake,
    LinkSet links,
    JoinerList joiners,
    IPeerEvents events,
    int maxFrameBytes,
    TimeSpan snapshotStall) : IConnectionPolicy
{
    /// <summary>How long a renewed link waits for the one before it; its dialler gives that up sooner.</summary>
    private static readonly TimeSpan RenewalPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RenewalSlice = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Dictionary<(MemberId From, Purpose Purpose), AcceptedConnection> _standing = [];

    /// <summary>
    /// Whoever is welcome to a link is dialled back where it says it is, and hears where the others are: two members that moved at the same time find each other by any third.
    /// What it says is noted before it is told of the others, so that of two at once one hears of the other.
    /// </summary>
    public HandshakeReply Judge(Hello hello)
    {
        var judge = handshake();
        var reply = judge.Judge(hello);
        if (hello.Purpose == Purpose.Join && reply is Refusal { Code: RefusalCode.DirectoryReplaced })
        {
            // It may wait until the member of its name is removed: whoever asks who waits shall know it. It can be added once it has asked again after that.
            joiners.Heard(hello.Identity, waitsForName: true);
        }
        if (reply is not Welcome welcome || hello.Purpose is not (Purpose.Link or Purpose.Join))
        {
            return reply;
        }
        if (hello.Purpose == Purpose.Link)
        {
            links.SaysWhereItIs(hello.Identity);
        }
        return welcome with { Known = judge.Whereabouts(links.AddressOf) };
    }

    /// <summary>Before its dialler hears that it is welcome, and ends the one before: a guest's link back is not to end with that.</summary>
    public IDisposable? Announce(Hello hello) =>
        hello is { Renews: true, Purpose: Purpose.Link } ? links.Keep(hello.Identity.Member) : null;

    public void Serve(Hello hello, AcceptedConnection connection)
    {
        if (hello.Purpose == Purpose.Meet)
        {
            return;
        }
        if (hello.Purpose == Purpose.Join)
        {
            joiners.Heard(hello.Identity);
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
            if (previous is not null && !(hello.Renews && EndsByItself(previous, connection)))
            {
                if (hello.Renews && IsGivenUp(connection) && GoesOn(key, previous, connection))
                {
                    return;
                }
                previous.Abort();
                previous.Thread!.Join();
            }
            Use(hello, connection);
        }
        finally
        {
            lock (_gate)
            {
                connection.IsServed = true;
                if (_standing.TryGetValue(key, out var current) && current == connection)
                {
                    _standing.Remove(key);
                }
            }
        }
    }

    /// <summary>Ends what these members have dialled.</summary>
    public void Close(Func<MemberId, bool> whose)
    {
        lock (_gate)
        {
            foreach (var ((from, _), connection) in _standing)
            {
                if (whose(from))
                {
                    connection.Abort();
                }
            }
        }
    }

    /// <summary>
    /// Its dialler ended it before a frame came, as one does who heard the Welcome too late: that one goes on with the link before.
    /// </summary>
    private static bool IsGivenUp(AcceptedConnection next) => !next.IsAborted && SocketIo.HasEnded(next.Channel.Socket);

    /// <summary>
    /// The link before is again the one that stands. False when another connection has come meanwhile: that one waits for this one alone,
    /// which therefore has to end the link before.
    /// </summary>
    private bool GoesOn((MemberId From, Purpose Purpose) key, AcceptedConnection previous, AcceptedConnection givenUp)
    {
        lock (_gate)
        {
            if (_standing.GetValueOrDefault(key) != givenUp)
            {
                return false;
            }
            if (previous.IsServed)
            {
                _standing.Remove(key);
            }
            else
            {
                _standing[key] = previous;
            }
            return true;
        }
    }

    /// <summary>Whether a link came to its end. One that is aborted meanwhile, because its member was removed, takes the one before it along.</summary>
    private static bool EndsByItself(AcceptedConnection previous, AcceptedConnection next)
    {
        for (var waited = TimeSpan.Zero; waited < RenewalPatience && !next.IsAborted && !IsGivenUp(next); waited += RenewalSlice)
        {
            if (previous.Thread!.Join(RenewalSlice))
            {
                return true;
            }
        }
        return false;
    }

    private void Use(Hello hello, AcceptedConnection connection)
    {
        var from = hello.Identity.Member;
        if (hello.Purpose == Purpose.Snapshot)
        {
            // Asked again only now: the member may have been removed since its handshake was judged.
            if (handshake().Judge(hello) is Welcome)
            {
                SnapshotReceiver.Serve(from, connection, events, snapshotStall);
            }
            return;
        }
        if (connection.IsAborted || links.FindOrInvite(hello) is not { } outgoing)
        {
            return;
        }
        try
        {
            outgoing.Seen(hello.Identity.Boot);
            IncomingLink.Serve(from, connection, events, maxFrameBytes);
        }
        finally
        {
            links.Leave(from);
        }
    }
}
