namespace Consensus.Transport.Links;

/// <summary>
/// How long a link of TLS stands before it is dialled anew: so that who is at the other end is asked daily, and no key seals more than
/// AES-GCM is good for (2^24.5 records of full size; OpenSSL never takes another key by itself). A change of the own bundle or its anchors
/// renews it too.
/// </summary>
internal sealed record RenewalLimits
{
    /// <summary>Less up to a tenth of it at random.</summary>
    public TimeSpan After { get; init; } = TimeSpan.FromHours(24);

    public long Bytes { get; init; } = 64L << 30;

    /// <summary>With twice as many the link ends, be there another connection or not.</summary>
    public long Records { get; init; } = 1L << 23;

    /// <summary>All members may see a new bundle at the same moment: each link waits up to so long, at random.</summary>
    public TimeSpan Spread { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Until the next attempt after one in vain.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one that is due waits for a moment at which no frame waits for the network.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the link before it may take to be read to its end.</summary>
    public TimeSpan Switch { get; init; } = TimeSpan.FromSeconds(2);
}
