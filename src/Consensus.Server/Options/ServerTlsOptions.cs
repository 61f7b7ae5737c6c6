namespace Consensus.Server.Options;

/// <summary>Which certificates a member uses.</summary>
/// <param name="File">Its bundle, or a directory (<c>--tls</c>).</param>
/// <param name="ClientsFile">Further trust anchors, for clients alone (<c>--tls-clients</c>); null if there are none.</param>
/// <param name="PeerFile">Another bundle for the links to the other members (<c>--peer-tls</c>); null: the same.</param>
/// <param name="TakesTls12">Also clients that know no TLS 1.3.</param>
public sealed record ServerTlsOptions(string File, string? ClientsFile, string? PeerFile, bool TakesTls12);
