using System.Security.Cryptography.X509Certificates;
using Consensus.Node;
using Consensus.Security.Generations;
using Consensus.StateMachine;

namespace Consensus.Server.Auth;

/// <summary>
/// Whether a certificate is one that a present member of the cluster goes by: revoked, it would cut that member off. As far as this member
/// knows: what each showed when it was dialled last, since this process began.
/// </summary>
/// <param name="tls">Null: this member has none, and knows of none.</param>
internal sealed class CertificatesInUse(IConsensusNode node, ITlsSource? tls)
{
    /// <summary>The member that goes by it; null when none does, or when it is revoked already.</summary>
    /// <param name="fingerprint">The SHA-256 of the certificate.</param>
    public string? UserOf(Key fingerprint)
    {
        if (tls is null || node.Policy.IsRevoked(fingerprint))
        {
            return null;
        }
        var generation = tls.Current;
        if (IsOf(generation.Peer.Leaf) || IsOf(generation.Own.Leaf))
        {
            return generation.Peer.Name!.Name;
        }
        var names = tls.Members.WhoShowed(fingerprint.Bytes);
        return node.Status.Members.FirstOrDefault(member => names.Contains(member.Name))?.Name;

        bool IsOf(X509Certificate2 leaf) =>
            fingerprint.Bytes.SequenceEqual(MemberCertificates.FingerprintOf(leaf));
    }
}
