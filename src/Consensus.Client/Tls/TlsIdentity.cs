using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Client.Tls;

/// <summary>
/// Who a client is on its connections and whom it believes there: the content of one file at one time, or what the machine believes.
/// Immutable.
/// </summary>
internal sealed class TlsIdentity
{
    /// <summary>Nobody, who believes the CAs of this machine.</summary>
    public static readonly TlsIdentity OfMachine = new("this machine's CA store", null, null);

    private TlsIdentity(string label, Bundle? bundle, X509Certificate2Collection? anchors)
    {
        (Label, Bundle, Anchors) = (label, bundle, anchors);
        Domain = bundle?.Name?.Domain ?? DomainOf(anchors);
    }

    /// <summary>What a sentence calls it.</summary>
    public string Label { get; }

    /// <summary>With a certificate of its own; null: it shows none.</summary>
    public Bundle? Bundle { get; }

    /// <summary>Whom to believe; null: whom the machine does.</summary>
    public X509Certificate2Collection? Anchors { get; }

    /// <summary>The cluster whose members alone are believed; null: any server for its host.</summary>
    private string? Domain { get; }

    /// <summary>A bundle; or, of a file without a private key, CA certificates alone.</summary>
    /// <exception cref="BundleException">It cannot be used.</exception>
    public static TlsIdentity Read(string path, string label)
    {
        try
        {
            var bundle = Bundle.Load(path, label);
            return new TlsIdentity(label, bundle, bundle.Anchors);
        }
        catch (BundleException) when (TryReadAnchors(path, label) is { } anchors)
        {
            return new TlsIdentity(label, null, anchors);
        }
    }

    /// <summary>Whether the other has the same certificates: then its connections may go on.</summary>
    public bool IsSameAs(TlsIdentity other) =>
        Contents().SequenceEqual(other.Contents(), StringComparer.Ordinal);

    /// <summary>How a connection to that host is secured.</summary>
    /// <param name="verdict">Is told why the server is not believed.</param>
    public SslClientAuthenticationOptions OptionsFor(string host, TlsVerdict verdict, DateTimeOffset now) => new()
    {
        TargetHost = host,
        // A member speaks 1.3. Whoever else bears a certificate for a host may be older.
        EnabledSslProtocols = Domain is null ? SslProtocols.None : SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http11],
        ClientCertificateContext = Bundle?.Context,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = Anchors is { } anchors
            ? CertificateJudge.PolicyFor(anchors, null, CertificateUse.Server, now)
            : new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            (verdict.Refusal = WhyNot(certificate as X509Certificate2, chain?.ChainPolicy.ExtraStore, errors, host, now)) is null,
    };

    private string? WhyNot(
        X509Certificate2? leaf, X509Certificate2Collection? others, SslPolicyErrors errors, string host, DateTimeOffset now)
    {
        var isForHost = !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch);
        if (Anchors is not { } anchors)
        {
            return errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) ? "no certificate was presented"
                : errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
                    ? "it is of a CA that this machine does not know, or not valid now"
                : isForHost ? null : $"it is not for {host}";
        }
        var verdict = CertificateJudge.Judge(leaf, others, anchors, CertificateUse.Server, now);
        if (!verdict.IsBelieved)
        {
            return verdict.Refusal;
        }
        if (Domain is not { } domain)
        {
            return isForHost ? null : $"it is not for {host}";
        }
        return verdict.Name is { Role: CertificateRole.Member } member
            ? member.Domain == domain ? null
                : $"it is that of {member.Name} of the cluster {member.Domain}, and not of a member of {domain}"
            : verdict.Uri is { } uri ? $"it is that of {uri}, and not of a member of {domain}"
            : $"it names no member of {domain}";
    }

    private static X509Certificate2Collection? TryReadAnchors(string path, string label)
    {
        try
        {
            return Bundle.LoadAnchors(path, label);
        }
        catch (BundleException)
        {
            return null;
        }
    }

    /// <summary>Of CAs that were all made for one cluster.</summary>
    private static string? DomainOf(X509Certificate2Collection? anchors)
    {
        string? domain = null;
        foreach (var anchor in anchors ?? [])
        {
            if (!CertificateAuthority.TryReadName(anchor, out var named, out _) || (domain is not null && domain != named))
            {
                return null;
            }
            domain = named;
        }
        return domain;
    }

    private IEnumerable<string> Contents()
    {
        if (Bundle is { } bundle)
        {
            yield return bundle.Leaf.Thumbprint;
            foreach (var certificate in bundle.Intermediates)
            {
                yield return certificate.Thumbprint;
            }
        }
        foreach (var anchor in Anchors ?? [])
        {
            yield return anchor.Thumbprint;
        }
    }
}

/// <summary>What came of judging a server.</summary>
internal sealed class TlsVerdict
{
    /// <summary>Why it is not believed, as the end of a sentence about its certificate; null as long as it is.</summary>
    public string? Refusal { get; set; }
}
