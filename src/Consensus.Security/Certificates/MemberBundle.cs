using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>What a member demands of the bundle that it is started with, and of each that takes its place.</summary>
public static class MemberBundle
{
    /// <summary>Refuses a bundle that is not this member's, or that no other member would believe now.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="label">What a sentence calls it, for example <c>--tls n1.pem</c>.</param>
    /// <param name="memberName">The member's, as <c>--name</c> says it.</param>
    /// <param name="now">When.</param>
    /// <exception cref="BundleException">It is refused.</exception>
    public static void Demand(Bundle bundle, string label, string memberName, DateTimeOffset now)
    {
        var wanted = $"consensus://DOMAIN/member/{memberName}";
        switch (bundle.Name)
        {
            case null:
                throw new BundleException($"{label} names nobody of a cluster; a member needs {wanted} as its certificate's only URI name");
            case { Role: CertificateRole.Client }:
                throw new BundleException($"{label} is a client's certificate; a member needs {wanted}");
            case { Name: var name } when name != memberName:
                throw new BundleException($"{label} is the certificate of {name}, but --name is {memberName}");
            default:
                break;
        }
        DemandTime(bundle, label, now);
        foreach (var use in Enum.GetValues<CertificateUse>())
        {
            var verdict = CertificateJudge.Judge(bundle.Leaf, bundle.Intermediates, bundle.Anchors, use, now);
            if (verdict.Refusal is { } refusal)
            {
                throw new BundleException($"{label}: no other member would believe its certificate: {refusal}");
            }
        }
    }

    /// <summary>Refuses a bundle, anybody's, that is not valid now.</summary>
    /// <inheritdoc cref="Demand"/>
    public static void DemandTime(Bundle bundle, string label, DateTimeOffset now)
    {
        if (now > bundle.NotAfter)
        {
            throw new BundleException($"{label} expired on {bundle.NotAfter:yyyy-MM-dd}: {Expiry.Remedy(bundle)}");
        }
        if (now < bundle.NotBefore)
        {
            throw new BundleException(
                $"{label} is not valid before {bundle.NotBefore:yyyy-MM-dd HH:mm} UTC, and this machine's clock says "
                + $"{now.UtcDateTime:yyyy-MM-dd HH:mm}");
        }
    }

    /// <summary>Refuses a bundle that is not for the host at which clients are told to find the member.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="option">What told it, with its value, for example <c>--advertise-client https://db:7379</c>.</param>
    /// <param name="host">The host alone.</param>
    /// <exception cref="BundleException">It is refused.</exception>
    public static void DemandHost(Bundle bundle, string option, string host)
    {
        if (!Covers(bundle, host))
        {
            var hosts = bundle.Hosts.Where(each => !HostName.OfThisMachine.Contains(each) || each == "localhost");
            throw new BundleException($"{option}: {Path.GetFileName(bundle.Path)} is for {string.Join(", ", hosts)}, not for {host}");
        }
    }

    /// <summary>Whether a client that goes by host names finds this host in the bundle's certificate.</summary>
    public static bool Covers(Bundle bundle, string host) => Covers(bundle.Leaf, host);

    /// <summary>Whether a client that goes by host names finds this host in the certificate.</summary>
    public static bool Covers(X509Certificate2 leaf, string host)
    {
        try
        {
            return leaf.MatchesHostname(host.Trim('[', ']'), allowWildcards: true, allowCommonName: false);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
