namespace Consensus.Security.Generations;

/// <summary>The files that a member's TLS goes by, and who the member is.</summary>
/// <param name="Own">The bundle for clients and, unless <see cref="Peer"/> is given, for members (<c>--tls</c>).</param>
/// <param name="MemberName">The member's (<c>--name</c>), which its certificates have to name.</param>
public sealed record BundleFiles(string Own, string MemberName)
{
    /// <summary>Another bundle for members (<c>--peer-tls</c>), of the same domain; null if there is none.</summary>
    public string? Peer { get; init; }

    /// <summary>A file of further trust anchors, for clients alone (<c>--tls-clients</c>); null if there is none.</summary>
    public string? Clients { get; init; }

    /// <summary>
    /// The member's (<c>--data-dir</c>), in which no private key may lie: who copies it would have both. Null: it is not looked at.
    /// </summary>
    public string? DataDirectory { get; init; }

    /// <summary>
    /// Where clients are told to find the member (<c>--advertise-client</c>): its host has to be one of the certificate's. Null: any.
    /// </summary>
    public Uri? AdvertisedClient { get; init; }
}
