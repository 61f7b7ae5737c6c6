namespace Consensus.Simulation.Network;

/// <summary>How the network is when no fault is on. Times in microseconds; chances in 10,000.</summary>
public sealed record NetworkOptions
{
    public long DelayMicros { get; init; } = 200;

    /// <summary>Each message takes up to this much longer.</summary>
    public long JitterMicros { get; init; } = 200;

    /// <summary>Chance that a message between Raft cores, or a forwarded one, is lost.</summary>
    public int LossPer10000 { get; init; }

    /// <summary>Chance that a message between Raft cores arrives twice. Forwarded commands never do: a link is one TCP connection.</summary>
    public int DuplicationPer10000 { get; init; }

    /// <summary>Chance that a message between Raft cores is overtaken by later ones.</summary>
    public int ReorderingPer10000 { get; init; }

    /// <summary>Bytes that each link carries in a second, and each snapshot's connection; 0 for as many as there are.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>Most bytes that wait for one link; the last tenth is for urgent frames. The default is the transport's.</summary>
    public long MaxQueuedBytes { get; init; } = 32L << 20;

    /// <summary>How long so many bytes take, in microseconds.</summary>
    public long TransmitMicros(long bytes) => BytesPerSecond == 0 ? 0 : bytes * 1_000_000 / BytesPerSecond;

    /// <summary>How much later a duplicate, or a message that is overtaken, arrives at most.</summary>
    public long StragglerMicros { get; init; } = 50_000;
}
