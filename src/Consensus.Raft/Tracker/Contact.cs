namespace Consensus.Raft.Tracker;

/// <summary>When a follower last answered, and how long the way to it and back takes, by the owner's time in microseconds. For people: the protocol decides nothing by it.</summary>
internal sealed class Contact
{
    /// <summary>Each measurement counts for an eighth, as in TCP (RFC 6298 §2).</summary>
    private const int Weight = 8;

    /// <summary>Null: it has not answered in this term.</summary>
    public long? HeardMicros { get; private set; }

    /// <summary>At least 1; null: not measured in this term.</summary>
    public long? RoundTripMicros { get; private set; }

    public void Heard(long nowMicros) => HeardMicros = nowMicros;

    /// <param name="micros">Between a heartbeat's leaving and its answer's arrival. What is negative was made up.</param>
    public void Measured(long micros)
    {
        if (micros < 0)
        {
            return;
        }
        var sample = Math.Max(1, micros);
        RoundTripMicros = RoundTripMicros is { } smoothed ? Math.Max(1, smoothed + ((sample - smoothed) / Weight)) : sample;
    }
}
