using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>What a presented certificate is to be good for.</summary>
public enum CertificateUse
{
    /// <summary>Its holder answers a connection.</summary>
    Server,

    /// <summary>Its holder opened a connection.</summary>
    Client,
}

/// <summary>What is believed of a presented certificate.</summary>
/// <param name="Refusal">Null if it is believed; else what is wrong with it, as the end of a sentence that begins with whose certificate it is.</param>
/// <param name="Name">Who it names in a cluster's domain; null if it is refused, or of anchors that know no such names.</param>
/// <param name="Uri">Its only URI name, whatever its scheme; null if it is refused or has none.</param>
public readonly record struct CertificateVerdict(string? Refusal, CertificateName? Name, string? Uri)
{
    /// <summary>Whether it is believed.</summary>
    public bool IsBelieved => Refusal is null;
}

/// <summary>Judges presented certificates: a chain to given anchors and to no others, at a given time, for a given use, with at most one URI that names somebody.</summary>
public static class CertificateJudge
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string ExtendedKeyUsage = "2.5.29.37";

    /// <summary>Judges one.</summary>
    /// <param name="leaf">What was presented; null: none was, which is refused.</param>
    /// <param name="others">What came with it.</param>
    /// <param name="anchors">Whom to believe; the machine's own store is not asked.</param>
    /// <param name="use">What for.</param>
    /// <param name="now">The time at which it has to be valid.</param>
    public static CertificateVerdict Judge(
        X509Certificate2? leaf, X509Certificate2Collection? others, X509Certificate2Collection anchors, CertificateUse use, DateTimeOffset now)
    {
        if (leaf is null)
        {
            return Refused("no certificate was presented");
        }
        if (leaf.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority))
        {
            return Refused("it is a CA's own certificate");
        }
        // Absent means "for anything" to a chain; here what is not said is not allowed.
        if (leaf.Extensions[ExtendedKeyUsage] is null)
        {
            return Refused("it does not say what it is for (extended key usage)");
        }
        using var chain = new X509Chain { ChainPolicy = PolicyFor(anchors, others, use, now) };
        try
        {
            if (!chain.Build(leaf))
            {
                return Refused(Words(chain.ChainStatus, leaf));
            }
        }
        catch (CryptographicException e)
        {
            return Refused($"it cannot be read ({e.Message})");
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
        var uris = CertificateName.UrisOf(leaf);
        if (uris.Count > 1)
        {
            return Refused($"it has {uris.Count} URI names where one is wanted");
        }
        var uri = uris.Count == 1 ? uris[0] : null;
        return new CertificateVerdict(null, uri is not null && CertificateName.TryParse(uri, out var name) ? name : null, uri);
    }

    /// <summary>How a chain is built: to these anchors only, and never a connection to an address that a certificate names.</summary>
    public static X509ChainPolicy PolicyFor(X509Certificate2Collection anchors, X509Certificate2Collection? others, CertificateUse use, DateTimeOffset now)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTimeIgnored = false,
            VerificationTime = now.UtcDateTime,
        };
        policy.CustomTrustStore.AddRange(anchors);
        if (others is not null)
        {
            policy.ExtraStore.AddRange(others);
        }
        policy.ApplicationPolicy.Add(new Oid(use == CertificateUse.Server ? ServerAuthentication : ClientAuthentication));
        return policy;
    }

    private static CertificateVerdict Refused(string refusal) => new(refusal, null, null);

    private static string Words(X509ChainStatus[] statuses, X509Certificate2 leaf)
    {
        var all = statuses.Aggregate(X509ChainStatusFlags.NoError, (flags, status) => flags | status.Status);
        return all switch
        {
            _ when all.HasFlag(X509ChainStatusFlags.PartialChain) || all.HasFlag(X509ChainStatusFlags.UntrustedRoot) => "it is of a CA that is not known here",
            _ when all.HasFlag(X509ChainStatusFlags.NotTimeValid) => $"it, or its CA, is not valid now: its own time is {leaf.NotBefore.ToUniversalTime():yyyy-MM-dd} to {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}",
            _ when all.HasFlag(X509ChainStatusFlags.NotValidForUsage) => "it is not for this use (extended key usage)",
            _ => $"its chain does not hold ({all})",
        };
    }
}
