using Consensus.Primitives;

namespace Consensus.Simulation.Network;

/// <summary>The way from one member to another: whether messages get through, and whether the sender's connection stands.</summary>
public sealed class SimulatedLink
{
    /// <summary>What is sent before another lane has its turn.</summary>
    private const int SegmentBytes = 64 << 10;

    private long _freeAt;
    private long _urgentFreeAt;

    /// <summary>How many faults block this direction now.</summary>
    public int Blocks { get; set; }

    public bool IsBlocked => Blocks > 0;

    /// <summary>The sender's view: its connection stands. False between a loss and the next dial that succeeds.</summary>
    public bool IsUp { get; set; }

    /// <summary>Microseconds added to each message by a fault.</summary>
    public long Slowness { get; set; }

    /// <summary>Rises whenever the connection is lost or made, so that plans for an earlier one are void.</summary>
    public long Version { get; set; }

    /// <summary>When the last message in order arrives: the next one of its lane arrives no earlier.</summary>
    public long LastArrival { get; set; }

    public long LastUrgentArrival { get; set; }

    public long RedialMicros { get; set; }

    /// <summary>Who answered the last dial that succeeded.</summary>
    public MemberId Peer { get; set; }

    /// <summary>The process that did: what is sent reaches this one or none.</summary>
    public long PeerBoot { get; set; }

    /// <summary>The connection stands, and the sender's loop has not been told of it yet.</summary>
    public bool IsUntold { get; set; }

    /// <summary>Bytes that wait for it now.</summary>
    public long QueuedBytes(long now, NetworkOptions options) => Math.Max(0, _freeAt - now) * options.BytesPerSecond / 1_000_000;

    /// <summary>A new connection: nothing waits for it.</summary>
    public void Empty() => (_freeAt, _urgentFreeAt) = (0, 0);

    /// <summary>
    /// When the last byte of a frame leaves that is queued now. Null when too much waits already. An urgent frame goes before the others, when the segment that is being sent is through.
    /// </summary>
    public long? Transmit(long now, int bytes, bool isUrgent, NetworkOptions options)
    {
        if (QueuedBytes(now, options) + bytes > (isUrgent ? options.MaxQueuedBytes : options.MaxQueuedBytes - (options.MaxQueuedBytes / 10)))
        {
            return null;
        }
        var takes = options.TransmitMicros(bytes);
        if (!isUrgent)
        {
            _freeAt = Math.Max(now, _freeAt) + takes;
            return _freeAt;
        }
        var begins = Math.Max(Math.Max(now, _urgentFreeAt), Math.Min(_freeAt, now + options.TransmitMicros(SegmentBytes)));
        _urgentFreeAt = begins + takes;
        _freeAt = Math.Max(_freeAt, begins) + takes;
        return _urgentFreeAt;
    }
}
