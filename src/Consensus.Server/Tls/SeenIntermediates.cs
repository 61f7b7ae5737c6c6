using System.Security.Cryptography.X509Certificates;

namespace Consensus.Server.Tls;

/// <summary>
/// The certificates between believed clients' and their anchors. A session that is resumed brings the leaf alone, since a ticket has no
/// room for more: without these, whose certificate is of a CA of a CA would be let in once and turned away afterwards. They only help to
/// find a chain, and vouch for nobody. Thread-safe.
/// </summary>
internal sealed class SeenIntermediates
{
    /// <summary>More than any company has; the oldest goes first.</summary>
    public const int Most = 256;

    /// <summary>As many as may come with a certificate.</summary>
    private const int MostOfOne = 8;

    private readonly Lock _gate = new();
    private readonly LinkedList<X509Certificate2> _seen = [];

    /// <summary>Of a certificate that is believed with them.</summary>
    public void Add(X509Certificate2Collection others)
    {
        lock (_gate)
        {
            foreach (var other in others)
            {
                if (_seen.Any(known => known.RawDataMemory.Span.SequenceEqual(other.RawDataMemory.Span)))
                {
                    continue;
                }
                _seen.AddFirst(X509CertificateLoader.LoadCertificate(other.RawDataMemory.Span));
                if (_seen.Count > Most)
                {
                    // Not disposed of: a handshake may be at it.
                    _seen.RemoveLast();
                }
            }
        }
    }

    /// <summary>Those that may have signed it, and what may have signed these; the newest first.</summary>
    public X509Certificate2Collection Above(X509Certificate2 leaf)
    {
        var above = new X509Certificate2Collection();
        lock (_gate)
        {
            AddIssuersOf(leaf, above);
            for (var i = 0; i < above.Count; i++)
            {
                AddIssuersOf(above[i], above);
            }
        }
        return above;
    }

    private void AddIssuersOf(X509Certificate2 certificate, X509Certificate2Collection above)
    {
        foreach (var known in _seen)
        {
            if (above.Count < MostOfOne
                && known.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData)
                && !above.Contains(known))
            {
                above.Add(known);
            }
        }
    }
}
