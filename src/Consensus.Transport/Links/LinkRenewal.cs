using Consensus.Primitives;
using Consensus.Security.Generations;
using Consensus.Transport.Tls;

namespace Consensus.Transport.Links;

/// <summary>When the one link that it belongs to is due for another connection. Used by the link's thread.</summary>
internal sealed class LinkRenewal(RenewalLimits limits, ITlsSource? source, TimeProvider time, ulong seed)
{
    private readonly DeterministicRandom _random = new(seed);
    private long _since;
    private TimeSpan _lifetime;
    private TimeSpan? _changedAt;
    private TimeSpan _notBefore;

    /// <summary>The link has a new connection.</summary>
    public void Begin()
    {
        _since = time.GetTimestamp();
        _lifetime = limits.After - UpTo(limits.After / 10);
        _changedAt = null;
        _notBefore = TimeSpan.Zero;
    }

    /// <summary>No other connection could be had: the one that stands goes on for now.</summary>
    public void Failed() => _notBefore = Age + limits.Retry;

    /// <summary>As <see cref="IsDue(long, long, long)"/>.</summary>
    public bool IsDue(PeerTls tls) => IsDue(tls.Generation, tls.SealedBytes, tls.SealedRecords);

    /// <param name="generation">That its connection was made with.</param>
    /// <param name="bytes">That were sealed on it, in so many <paramref name="records"/>.</param>
    public bool IsDue(long generation, long bytes, long records)
    {
        var age = Age;
        if (_changedAt is null && source!.Current.Number != generation)
        {
            _changedAt = age + UpTo(limits.Spread);
        }
        return age >= _notBefore
            && (age >= _lifetime || age >= _changedAt || bytes >= limits.Bytes || records >= limits.Records);
    }

    private TimeSpan Age => time.GetElapsedTime(_since);

    private TimeSpan UpTo(TimeSpan most) => TimeSpan.FromTicks(_random.Next(most.Ticks + 1));
}
