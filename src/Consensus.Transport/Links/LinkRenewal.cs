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
    private TimeSpan? _dueSince;

    /// <summary>The link has a new connection.</summary>
    public void Begin()
    {
        _since = time.GetTimestamp();
        _lifetime = limits.After - UpTo(limits.After / 10);
        _changedAt = null;
        _notBefore = TimeSpan.Zero;
        _dueSince = null;
    }

    /// <summary>No other connection could be had: the one that stands goes on for now.</summary>
    public void Failed() => _notBefore = Age + limits.Retry;

    /// <summary>As <see cref="IsDue(long, long, long, long)"/>; and when the connection has to end.</summary>
    public bool IsDue(PeerTls tls, long queuedBytes) =>
        WhyEnd(tls.SealedRecords) is not null || IsDue(tls.Generation, tls.SealedBytes, tls.SealedRecords, queuedBytes);

    /// <summary>
    /// Whether the link is to be renewed now. That is at a moment when nothing waits for the network: what is urgent of the frames that come
    /// then would wait behind those, since the peer reads the other connection only once it has read this one to its end. A link that has no
    /// such moment is renewed all the same a little later.
    /// </summary>
    /// <param name="generation">That its connection was made with.</param>
    /// <param name="bytes">That were sealed on it, in so many <paramref name="records"/>.</param>
    /// <param name="queuedBytes">That wait for the network.</param>
    public bool IsDue(long generation, long bytes, long records, long queuedBytes)
    {
        var age = Age;
        if (_changedAt is null && source!.Current.Number != generation)
        {
            _changedAt = age + UpTo(limits.Spread);
        }
        if (age < _notBefore || !(age >= _lifetime || age >= _changedAt || bytes >= limits.Bytes || records >= limits.Records))
        {
            return false;
        }
        _dueSince ??= age;
        return queuedBytes == 0 || age - _dueSince >= limits.Quiet;
    }

    /// <summary>Why the connection ends, whether there is another one or not; null: it need not.</summary>
    /// <param name="records">That its key has sealed.</param>
    public string? WhyEnd(long records) =>
        records >= 2 * limits.Records ? "its key has sealed as many records as one may, and it could not be renewed" : null;

    private TimeSpan Age => time.GetElapsedTime(_since);

    private TimeSpan UpTo(TimeSpan most) => TimeSpan.FromTicks(_random.Next(most.Ticks + 1));
}
