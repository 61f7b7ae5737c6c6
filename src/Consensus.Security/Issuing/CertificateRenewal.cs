using Consensus.Security.Certificates;

namespace Consensus.Security.Issuing;

/// <summary><c>cert renew</c>: bundles issued anew under the same name, role and hosts, each with another key.</summary>
public static class CertificateRenewal
{
    /// <summary>Does it.</summary>
    /// <param name="directory">Where the bundles and the authority lie.</param>
    /// <param name="names">Whose; all that are there if none is named.</param>
    /// <param name="days">How many days they are valid; null: as long as new ones.</param>
    /// <param name="now">When.</param>
    /// <exception cref="BundleException">Something is not there, or cannot be read or written.</exception>
    public static IssuedBundles Run(string directory, IReadOnlyList<string> names, int? days, DateTimeOffset now)
    {
        using var place = CertificateDirectory.Open(directory);
        var stored = names.Count == 0 ? place.Bundles() : [.. names.Distinct().Select(place.BundleOf)];
        if (stored.Count == 0)
        {
            throw new BundleException($"{directory} has no bundle of the domain {place.Domain} to renew");
        }
        place.RestoreAnchors();
        var written = stored.Select(each => Renew(place, each, days, now)).ToList();
        return new IssuedBundles(place.Domain, false, place.AuthorityFile, place.AnchorsFile, written);
    }

    /// <summary>
    /// Issues one anew, by the authority that signs at present. Whom it believed beside the domain's authorities it believes still; one of
    /// the domain that was put away, and that its file missed to forget, it believes no longer.
    /// </summary>
    internal static Bundle Renew(CertificateDirectory place, StoredBundle stored, int? days, DateTimeOffset now)
    {
        var name = stored.Bundle.Name!;
        var anchors = stored.Bundle.Anchors
            .Where(anchor => !CertificateAuthority.TryReadName(anchor, out var domain, out _) || domain != place.Domain)
            .Concat(place.Anchors);
        var text = name.Role == CertificateRole.Member
            ? place.Signing.IssueMember(name.Name, stored.Bundle.Hosts, now, days ?? CertificateAuthority.MemberDays, anchors)
            : place.Signing.IssueClient(name.Name, now, days ?? CertificateAuthority.ClientDays, anchors);
        return Put(stored.File, text);
    }

    /// <summary>Puts a text in a bundle's place, once it is seen to be a bundle.</summary>
    internal static Bundle Put(string file, string text)
    {
        var bundle = Bundle.Read(text, file, file);
        OwnFile.Replace(file, text);
        return bundle;
    }
}
