using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Consensus.Primitives;

namespace Consensus.Security.Certificates;

/// <summary>What a certificate of a cluster's domain is for.</summary>
public enum CertificateRole
{
    /// <summary>A member: it links to the other members and answers clients.</summary>
    Member,

    /// <summary>Whoever uses the cluster: a service, an operator, a pipeline.</summary>
    Client,
}

/// <summary>
/// Who a certificate names: the URI <c>consensus://DOMAIN/member/NAME</c> or <c>consensus://DOMAIN/client/NAME</c> among its subject
/// alternative names. Hosts and addresses say nothing about who somebody is.
/// </summary>
/// <param name="Domain">Names the cluster; of the characters of a member's name.</param>
/// <param name="Role">Member or client.</param>
/// <param name="Name">By the rule for members' names.</param>
public sealed record CertificateName(string Domain, CertificateRole Role, string Name)
{
    private const string Scheme = "consensus://";

    /// <summary>The name as the URI that stands in the certificate.</summary>
    public string Uri => $"{Scheme}{Domain}/{RoleText(Role)}/{Name}";

    /// <summary>Reads such a URI. Not the least deviation is accepted: no other case, escape or port, nothing behind the name.</summary>
    public static bool TryParse(string uri, [NotNullWhen(true)] out CertificateName? name)
    {
        name = null;
        if (!uri.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }
        var parts = uri[Scheme.Length..].Split('/');
        if (parts.Length != 3 || !MemberName.IsValid(parts[0]) || !MemberName.IsValid(parts[2]))
        {
            return false;
        }
        foreach (var role in Enum.GetValues<CertificateRole>())
        {
            if (parts[1] == RoleText(role))
            {
                name = new CertificateName(parts[0], role, parts[2]);
                return true;
            }
        }
        return false;
    }

    /// <summary>All URIs among the subject alternative names, in their order; empty if there are none or they cannot be read.</summary>
    public static IReadOnlyList<string> UrisOf(X509Certificate2 certificate) => AlternativeNames.Of(certificate)?.Uris ?? [];

    /// <inheritdoc/>
    public override string ToString() => Uri;

    /// <summary><c>member</c> or <c>client</c>.</summary>
    public static string RoleText(CertificateRole role) => role == CertificateRole.Member ? "member" : "client";
}
