using System.Globalization;
using Consensus.Primitives;
using Consensus.Security.Certificates;

namespace Consensus.Security.Issuing;

/// <summary>A member that is to have a bundle.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Hosts">The DNS names and addresses at which clients reach it; at least one.</param>
public sealed record WantedMember(string Name, IReadOnlyList<string> Hosts);

/// <summary>What <c>cert create</c> is asked for.</summary>
public sealed record CreationPlan
{
    /// <summary>The client that is made together with the CA, so that somebody can use the cluster.</summary>
    public const string Admin = "admin";

    /// <summary>The most days that a certificate can be asked to be valid.</summary>
    public const int MaxDays = CertificateAuthority.AuthorityDays;

    /// <summary>Where the files go.</summary>
    public required string Directory { get; init; }

    /// <summary>The members.</summary>
    public IReadOnlyList<WantedMember> Members { get; init; } = [];

    /// <summary>The clients.</summary>
    public IReadOnlyList<string> Clients { get; init; } = [];

    /// <summary>The domain; null: the one of the CA that is there, else a random one.</summary>
    public string? Domain { get; init; }

    /// <summary>How many days the certificates are valid; null: five years for a member, one for a client.</summary>
    public int? Days { get; init; }

    /// <summary>What makes no sense in the plan, as a sentence without its stop; null if all of it does.</summary>
    public string? Mistake()
    {
        var names = Members.Select(member => member.Name).Concat(Clients).ToList();
        if (names.Count == 0)
        {
            return "nothing is asked for: name a member as n1=10.0.0.1, or a client with --client NAME";
        }
        if (Domain is { } domain && !MemberName.IsValid(domain))
        {
            return $"'{domain}' is no domain: {MemberName.Form}";
        }
        if (Days is < 1 or > MaxDays)
        {
            return string.Create(CultureInfo.InvariantCulture, $"a certificate is valid for 1 to {MaxDays} days");
        }
        var twice = names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1);
        return names.Select(NameMistake).FirstOrDefault(mistake => mistake is not null)
            ?? (twice is null ? null : $"'{twice.Key}' is asked for twice, and each name has one file")
            ?? Members.Select(HostMistake).FirstOrDefault(mistake => mistake is not null);
    }

    /// <summary>What is wrong with the name of a file's owner, as a sentence without its stop; null if nothing is.</summary>
    public static string? NameMistake(string name) => name switch
    {
        _ when !MemberName.IsValid(name) => $"'{name}' is no name: {MemberName.Form}",
        "ca" => "nobody can be called 'ca': its file would be the CA's own",
        _ when name.StartsWith("ca.", StringComparison.Ordinal) =>
            $"nobody can be called '{name}': files that begin with 'ca.' are the CA's own",
        _ => null,
    };

    private static string? HostMistake(WantedMember member)
    {
        if (member.Hosts.Count == 0)
        {
            return $"{member.Name} has no host";
        }
        try
        {
            foreach (var host in member.Hosts)
            {
                HostName.Parse(host);
            }
            return null;
        }
        catch (BundleException refusal)
        {
            return $"{member.Name}: {refusal.Message}";
        }
    }
}
