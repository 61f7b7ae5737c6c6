using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Generations;

/// <summary>
/// What is known of members' certificates beside their chains: which are revoked, as the replicated state of this member has it, and which
/// one each member showed last. Any thread.
/// </summary>
public sealed class MemberCertificates
{
    /// <summary>Many more than a cluster has members; beyond that the next forgets all.</summary>
    private const int MostNames = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, byte[]> _shown = [];
    private volatile Source? _source;

    /// <summary>Another number whenever others may be revoked than before; 0 while nothing is known.</summary>
    public long Version => _source?.Version() ?? 0;

    /// <summary>Until this is called none is revoked: there is no state yet that could say so.</summary>
    /// <param name="version">Rises with each change.</param>
    /// <param name="isRevoked">Whether a certificate is, by its SHA-256.</param>
    public void Follow(Func<long> version, Func<byte[], bool> isRevoked) => _source = new Source(version, isRevoked);

    /// <summary>Whether the state that is followed says so.</summary>
    public bool IsRevoked(X509Certificate2 certificate) =>
        _source is { } source && source.IsRevoked(FingerprintOf(certificate));

    /// <summary>A member has shown it, and is believed.</summary>
    public void Shown(string member, X509Certificate2 certificate)
    {
        lock (_gate)
        {
            if (_shown.Count >= MostNames && !_shown.ContainsKey(member))
            {
                _shown.Clear();
            }
            _shown[member] = FingerprintOf(certificate);
        }
    }

    /// <summary>Names of members that showed this one last.</summary>
    /// <param name="fingerprint">Its SHA-256.</param>
    public IReadOnlyList<string> WhoShowed(ReadOnlySpan<byte> fingerprint)
    {
        var names = new List<string>();
        lock (_gate)
        {
            foreach (var (name, shown) in _shown)
            {
                if (fingerprint.SequenceEqual(shown))
                {
                    names.Add(name);
                }
            }
        }
        return names;
    }

    /// <summary>The SHA-256 of the whole certificate: by this it is revoked.</summary>
    public static byte[] FingerprintOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return SHA256.HashData(certificate.RawDataMemory.Span);
    }

    private sealed record Source(Func<long> Version, Func<byte[], bool> IsRevoked);
}
