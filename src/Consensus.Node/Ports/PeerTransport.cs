using Consensus.Primitives;

namespace Consensus.Node.Ports;

/// <summary>Where to dial a member.</summary>
/// <param name="Address">host:port.</param>
public sealed record PeerEndpoint(MemberId Member, string Name, string Address);

/// <summary>
/// A process that was started to join the cluster and waits to be added, or for its name: while a member with another data directory has that, it cannot be. Forgotten a few
/// seconds after it last asked.
/// </summary>
/// <param name="Member">Of its name and its data directory's incarnation.</param>
/// <param name="PeerAddress">host:port that the members shall dial.</param>
public sealed record JoiningMember(MemberId Member, string Name, string PeerAddress)
{
    /// <summary>When it last asked, a member with another data directory had its name. Perhaps it has ended since: who is added must have asked when it could be.</summary>
    public bool WaitsForName { get; init; }
}

/// <summary>
/// Links to the other members, as the node sees them. Methods are called one at a time, by whichever thread has the node's turn; each returns at once and never throws for a
/// network's reason. One long-lived TCP link for each direction; frames are opaque bytes.
/// </summary>
public interface IPeerTransport
{
    /// <summary>Whom to be linked with from now on (self is left out).</summary>
    void SetPeers(IReadOnlyList<PeerEndpoint> peers);

    /// <summary>Ids that were members once and never will be again: they are refused, and told so.</summary>
    void SetRemoved(IReadOnlyList<MemberId> removed);

    /// <summary>Processes that asked this member lately to join, at most one of each name, in order of names. May be called by any thread.</summary>
    IReadOnlyList<JoiningMember> Joiners { get; }

    /// <summary>
    /// Queues one frame (copied before returning) to be sent with the next <see cref="Flush"/>. False when there is no link or its bound
    /// is full: the frame is dropped, as the network may.
    /// </summary>
    /// <param name="isUrgent">
    /// The frame goes before others that wait for the same link, in order with the urgent ones only. The last tenth of the bound is for such.
    /// </param>
    bool Send(MemberId to, ReadOnlySpan<byte> frame, bool isUrgent = false);

    /// <summary>Bytes of frames that wait for the network, of all links, and the bound of these together. May be called by any thread.</summary>
    (long Held, long Limit) QueuedBytes { get; }

    /// <summary>Sends what was queued since the last call: one write for each link (end of a turn).</summary>
    void Flush();

    /// <summary>
    /// Sends a snapshot file on a connection of its own, so that heartbeats never wait behind it. The transport disposes
    /// <paramref name="content"/>, and says how it ended by <see cref="IPeerEvents.SnapshotSent"/>. One at a time for each member.
    /// </summary>
    void SendSnapshot(MemberId to, ReadOnlyMemory<byte> header, Stream content);
}

/// <summary>What links tell the node; called on the transport's threads. Implementations return quickly.</summary>
public interface IPeerEvents
{
    /// <summary>
    /// One frame from a member whose handshake was right. The span is valid during the call. A
    /// <see cref="Primitives.Wire.WireFormatException"/> thrown here closes the link.
    /// </summary>
    /// <remarks>It may lie until <see cref="ReceivedAll"/>, which must follow before the thread waits for anything else.</remarks>
    void Received(MemberId from, ReadOnlySpan<byte> frame);

    /// <summary>
    /// The frames that came together are told. On the same thread, also when the link ends behind one of them; without harm where there
    /// was none.
    /// </summary>
    void ReceivedAll();

    /// <summary>Our outgoing link to the member stands; <paramref name="boot"/> is its process.</summary>
    void LinkUp(MemberId peer, long boot);

    /// <summary>Our outgoing link to the member closed.</summary>
    void LinkDown(MemberId peer);

    /// <summary>The link closed, and dialling again at once was refused by the host: its process is gone (rule 6).</summary>
    void ProcessGone(MemberId peer);

    /// <summary>A member asks to send a snapshot file. Called on the thread of that connection, as are the arrival's methods.</summary>
    /// <param name="rejection">Set when the result is null: why it is not taken.</param>
    ISnapshotArrival? SnapshotArriving(MemberId from, ReadOnlySpan<byte> header, long lengthBytes, out SnapshotRejection? rejection);

    /// <param name="header">What <see cref="IPeerTransport.SendSnapshot"/> was given: it tells this transfer from others to the same member.</param>
    void SnapshotSent(MemberId to, ReadOnlyMemory<byte> header, SnapshotOutcome outcome);

    /// <summary>
    /// The cluster refuses this member (its data directory was replaced, it is another cluster's, …): it must not go on. One clear sentence.
    /// </summary>
    void RefusedByPeer(MemberId peer, string reason);

    /// <summary>A member of this cluster says that this one was removed, which is for ever: it stops. May be told again and again.</summary>
    void RemovedFromCluster(MemberId saidBy);
}
