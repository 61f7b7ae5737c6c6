using System.Security.Cryptography;
using Consensus.Security.Certificates;

namespace Consensus.Security.Issuing;

/// <summary>What a command left in a directory of certificates.</summary>
/// <param name="Domain">Of its authority.</param>
/// <param name="IsNewAuthority">Whether the authority was made by the command.</param>
/// <param name="AuthorityFile">The file with the authority's key, which stays where it is.</param>
/// <param name="AnchorsFile">The file with what is believed, for whoever shows nothing (<c>curl --cacert</c>).</param>
/// <param name="Written">The bundles that it wrote, as they were read again.</param>
public sealed record IssuedBundles(
    string Domain, bool IsNewAuthority, string AuthorityFile, string AnchorsFile, IReadOnlyList<Bundle> Written);

/// <summary><c>cert create</c>: bundles for names that have none, and the authority if there is none.</summary>
public static class CertificateCreation
{
    private const int RandomDomainBytes = 4;

    /// <summary>Does it. What is there is never overwritten: then nothing is written at all.</summary>
    /// <exception cref="BundleException">Something is there already, or cannot be read or written.</exception>
    public static IssuedBundles Run(CreationPlan plan, DateTimeOffset now)
    {
        if (plan.Mistake() is { } mistake)
        {
            throw new BundleException(mistake);
        }
        var isNew = !CertificateDirectory.HasAuthority(plan.Directory);
        if (isNew)
        {
            CertificateDirectory.DemandNoAuthority(plan.Directory);
        }
        var clients = isNew ? WithAdmin(plan) : plan.Clients;
        foreach (var name in clients.Concat(plan.Members.Select(member => member.Name)))
        {
            var file = Path.Combine(plan.Directory, name + ".pem");
            if (File.Exists(file))
            {
                throw new BundleException(
                    $"{file} is there already, so nothing was written: consensusctl cert renew {name} issues it anew");
            }
        }
        using var directory = isNew
            ? CertificateDirectory.Create(plan.Directory, plan.Domain ?? RandomDomain(), now)
            : CertificateDirectory.Open(plan.Directory);
        if (plan.Domain is { } domain && domain != directory.Domain)
        {
            throw new BundleException(
                $"{directory.AuthorityFile} is of the domain {directory.Domain}, not {domain}: another domain needs another --dir");
        }
        directory.RestoreAnchors();
        var written = new List<Bundle>();
        void Write(string name, string text)
        {
            var file = directory.FileFor(name);
            OwnFile.WriteNew(file, text);
            written.Add(Bundle.Load(file, file));
        }
        foreach (var client in clients)
        {
            var days = plan.Days ?? CertificateAuthority.ClientDays;
            Write(client, directory.Signing.IssueClient(client, now, days, directory.Anchors));
        }
        foreach (var member in plan.Members)
        {
            var days = plan.Days ?? CertificateAuthority.MemberDays;
            Write(member.Name, directory.Signing.IssueMember(member.Name, member.Hosts, now, days, directory.Anchors));
        }
        return new IssuedBundles(directory.Domain, isNew, directory.AuthorityFile, directory.AnchorsFile, written);
    }

    private static List<string> WithAdmin(CreationPlan plan) =>
        plan.Members.Any(member => member.Name == CreationPlan.Admin)
            ? throw new BundleException("no member can be called 'admin': admin.pem is made with the CA, for the client of that name")
            : [.. plan.Clients.Append(CreationPlan.Admin).Distinct()];

    private static string RandomDomain() => "c-" + RandomNumberGenerator.GetHexString(2 * RandomDomainBytes, lowercase: true);
}
