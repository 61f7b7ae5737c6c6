using System.Net.Security;
using Consensus.Security.Certificates;

namespace Consensus.Benchmarks.Clusters;

/// <summary>The certificates of one run, made for it: a CA, one for each member, one for all clients, one for whoever sets it up.</summary>
internal static class BenchCertificates
{
    /// <summary>The principal that all measured requests are of.</summary>
    public const string ClientName = "bench";

    private static readonly Lazy<CertificateAuthority> Authority = new(() => CertificateAuthority.Create("bench", DateTimeOffset.UtcNow));

    private static readonly Lazy<Bundle> Client = new(() => Issue(ClientName));

    private static readonly Lazy<Bundle> Administrator = new(() => Issue("admin"));

    /// <summary>Writes a member's bundle, for its owner only.</summary>
    public static void WriteMember(string path, string name)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new StreamWriter(path, options);
        file.Write(Authority.Value.IssueMember(name, [], DateTimeOffset.UtcNow));
    }

    /// <summary>How a client of the run speaks to a member: it shows its certificate, and believes the CA.</summary>
    public static SslClientAuthenticationOptions ClientOptions() => OptionsOf(Client.Value);

    /// <summary>As <see cref="ClientOptions"/>, of the one that may everything from the first entry on.</summary>
    public static SslClientAuthenticationOptions AdministratorOptions() => OptionsOf(Administrator.Value);

    private static Bundle Issue(string name) =>
        Bundle.Read(Authority.Value.IssueClient(name, DateTimeOffset.UtcNow), name, $"the bundle of the run's client {name}");

    private static SslClientAuthenticationOptions OptionsOf(Bundle bundle) => new()
    {
        TargetHost = "127.0.0.1",
        ApplicationProtocols = [SslApplicationProtocol.Http11],
        ClientCertificateContext = bundle.Context,
        CertificateChainPolicy = CertificateJudge.PolicyFor(bundle.Anchors, null, CertificateUse.Server, DateTimeOffset.UtcNow),
    };
}
