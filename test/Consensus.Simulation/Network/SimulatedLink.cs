using Consensus.Primitives;

namespace Consensus.Simulation.Network;

/// <summary>The way from one member to another: whether messages get through, and whether the sender's connection stands.</summary>
public sealed class SimulatedLink
{
    /// <summary>How many faults block this direction now.</summary>
    public int Blocks { get; set; }

    public bool IsBlocked => Blocks > 0;

    /// <summary>The sender's view: its connection stands. False between a loss and the next dial that succeeds.</summary>
    public bool IsUp { get; set; }

    /// <summary>Microseconds added to each message by a fault.</summary>
    public long Slowness { get; set; }

    /// <summary>Rises whenever the connection is lost or made, so that plans for an earlier one are void.</summary>
    public long Version { get; set; }

    /// <summary>When the last message in order arrives: the next one arrives no earlier.</summary>
    public long LastArrival { get; set; }

    public long RedialMicros { get; set; }

    /// <summary>Who answered the last dial that succeeded.</summary>
    public MemberId Peer { get; set; }

    /// <summary>The process that did: what is sent reaches this one or none.</summary>
    public long PeerBoot { get; set; }

    /// <summary>The connection stands, and the sender's loop has not been told of it yet.</summary>
    public bool IsUntold { get; set; }
}
