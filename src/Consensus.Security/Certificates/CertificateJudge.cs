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
/// <param name="Refusal">
/// Null if it is believed; else what is wrong with it, as the end of a sentence that begins with whose certificate it is.
/// </param>
/// <param name="Name">Who it names in a cluster's domain; null if it is refused, or of anchors that know no such names.</param>
/// <param name="Uri">Its only URI name, whatever its scheme, in visible ASCII; null if it is refused or has none.</param>
public readonly record struct CertificateVerdict(string? Refusal, CertificateName? Name, string? Uri)
{
    /// <summary>Whether it is believed.</summary>
    public bool IsBelieved => Refusal is null;
}

/// <summary>
/// Judges presented certificates: a chain to given anchors and to no others, at a given time, for a given use, with at most one URI that
/// names somebody. What is presented may be anything; whatever it is, the answer is a verdict.
/// </summary>
public static class CertificateJudge
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Certificates that may come with a leaf: a stranger's handshake must not make a search of it.</summary>
    private const int MaxOthers = 8;

    /// <summary>Judges one.</summary>
    /// <param name="leaf">What was presented; null: none was, which is refused.</param>
    /// <param name="others">What came with it.</param>
    /// <param name="anchors">Whom to believe; the machine's own store is not asked.</param>
    /// <param name="use">What for.</param>
    /// <param name="now">The time at which it has to be valid.</param>
    public static CertificateVerdict Judge(
        X509Certificate2? leaf,
        X509Certificate2Collection? others,
        X509Certificate2Collection anchors,
        CertificateUse use,
        DateTimeOffset now)
    {
        if (leaf is null)
        {
            return Refused("no certificate was presented");
        }
        try
        {
            return ItselfWrong(leaf, others, use) is { } wrong ? Refused(wrong)
                : AlternativeNames.Of(leaf) is not { } names ? Refused("its alternative names cannot be read")
                : NamesWrong(names) is { } unclear ? Refused(unclear)
                : ChainWrong(leaf, others, anchors, use, now) is { } broken ? Refused(broken)
                : Believed(names);
        }
        catch (Exception e) when (Damage.Shows(e))
        {
            return Refused($"it cannot be read ({e.Message.TrimEnd('.')})");
        }
    }

    /// <summary>How a chain is built: to these anchors only, and never a connection to an address that a certificate names.</summary>
    public static X509ChainPolicy PolicyFor(
        X509Certificate2Collection anchors, X509Certificate2Collection? others, CertificateUse use, DateTimeOffset now)
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
        policy.ApplicationPolicy.Add(new Oid(OidOf(use)));
        return policy;
    }

    private static string? ItselfWrong(X509Certificate2 leaf, X509Certificate2Collection? others, CertificateUse use)
    {
        if (CertificateParts.IsAuthority(leaf))
        {
            return "it is a CA's own certificate";
        }
        if (others?.Count > MaxOthers)
        {
            return $"{others.Count} certificates came with it where {MaxOthers} are the most";
        }
        // Absent means "for anything" to a chain, and so does the usage "any"; here what is not said by name is not allowed.
        var usages = leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().ToList();
        return usages.Count == 0 ? "it does not say what it is for (extended key usage)"
            : usages.All(usage => usage.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == OidOf(use))) ? null
            : $"it is not for a {(use == CertificateUse.Server ? "server" : "client")} (extended key usage)";
    }

    private static string? NamesWrong(AlternativeNames names) => names.Uris switch
    {
        [] => null,
        // It becomes the name of a principal: what would break a line, or hide in one, is nobody's name.
        [var uri] when uri.Length > 0 && uri.All(character => character is > ' ' and < '\x7F') => null,
        [_] => "its URI name has characters that no URI has",
        { Count: var count } => $"it has {count} URI names where one is wanted",
    };

    private static string? ChainWrong(
        X509Certificate2 leaf,
        X509Certificate2Collection? others,
        X509Certificate2Collection anchors,
        CertificateUse use,
        DateTimeOffset now)
    {
        using var chain = new X509Chain { ChainPolicy = PolicyFor(anchors, others, use, now) };
        try
        {
            return chain.Build(leaf) ? null : Words(chain.ChainStatus, leaf, now);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    private static CertificateVerdict Believed(AlternativeNames names)
    {
        var uri = names.Uris is [var only] ? only : null;
        return new CertificateVerdict(null, uri is not null && CertificateName.TryParse(uri, out var name) ? name : null, uri);
    }

    private static CertificateVerdict Refused(string refusal) => new(refusal, null, null);

    private static string OidOf(CertificateUse use) => use == CertificateUse.Server ? ServerAuthentication : ClientAuthentication;

    private static string Words(X509ChainStatus[] statuses, X509Certificate2 leaf, DateTimeOffset now)
    {
        var all = statuses.Aggregate(X509ChainStatusFlags.NoError, (flags, status) => flags | status.Status);
        return all switch
        {
            _ when all.HasFlag(X509ChainStatusFlags.PartialChain) || all.HasFlag(X509ChainStatusFlags.UntrustedRoot) =>
                "it is of a CA that is not known here",
            _ when all.HasFlag(X509ChainStatusFlags.NotTimeValid) => TimeWords(leaf, now),
            _ when all.HasFlag(X509ChainStatusFlags.NotValidForUsage) => "its CA may not sign for this use (extended key usage)",
            _ => $"its chain does not hold ({all})",
        };
    }

    private static string TimeWords(X509Certificate2 leaf, DateTimeOffset now) =>
        now > leaf.NotAfter.ToUniversalTime() ? $"it expired on {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}"
        : now < leaf.NotBefore.ToUniversalTime() ? $"it is not valid before {leaf.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC"
        : "its CA's own certificate is not valid now";
}
