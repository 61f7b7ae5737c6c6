using System.Net.Security;
using Consensus.Security.Certificates;

namespace Consensus.Benchmarks.Clusters;

/// <summary>The certificates of one run, made for it: a CA, one for each member, one for all clients.</summary>
internal static class BenchCertificates
{
    private static readonly Lazy<CertificateAuthority> Authority = new(() => CertificateAuthority.Create("bench", DateTimeOffset.UtcNow));

    private static readonly Lazy<Bundle> Client = new(() =>
        Bundle.Read(Authority.Value.IssueClient("bench", DateTimeOffset.UtcNow), "bench", "the bundle of the run's clients"));

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
    public static SslClientAuthenticationOptions ClientOptions() => new()
    {
        TargetHost = "127.0.0.1",
        ApplicationProtocols = [SslApplicationProtocol.Http11],
        ClientCertificateContext = Client.Value.Context,
        CertificateChainPolicy = CertificateJudge.PolicyFor(Client.Value.Anchors, null, CertificateUse.Server, DateTimeOffset.UtcNow),
    };
}
