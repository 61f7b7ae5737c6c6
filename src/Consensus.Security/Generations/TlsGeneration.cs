using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Security.Generations;

/// <summary>
/// All that TLS goes by at one moment; never changed, replaced whole. Whoever keeps a connection keeps its generation beside it and looks
/// again when the current one is another.
/// </summary>
/// <param name="Number">Rises by one with each.</param>
/// <param name="Own">Who this process is to clients and, without <c>--peer-tls</c>, to members.</param>
/// <param name="Peer">
/// Who it is to members, and whom it believes as members: the same object as <paramref name="Own"/> unless another was given.
/// </param>
/// <param name="ClientAnchors">
/// Whose certificates are believed on the client port beside those of the domain (<c>--tls-clients</c>); empty if no file was given.
/// </param>
public sealed record TlsGeneration(long Number, Bundle Own, Bundle Peer, X509Certificate2Collection ClientAnchors);

/// <summary>Where the present generation is found. Reading it costs nothing; any thread may.</summary>
public interface ITlsSource
{
    /// <summary>The present one.</summary>
    TlsGeneration Current { get; }

    /// <summary>The time that certificates are judged by.</summary>
    TimeProvider Time { get; }

    /// <summary>Which members' certificates are revoked, and which each shows.</summary>
    MemberCertificates Members { get; }
}
