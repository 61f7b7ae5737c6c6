using System.Net.Security;

namespace Consensus.Benchmarks.Clusters;

/// <summary>As <see cref="ConsensusCluster"/>, with https for clients and mutual TLS among members.</summary>
internal sealed class SecureConsensusCluster(string program, string directory, int size) : ConsensusCluster(program, directory, size, SystemName)
{
    public const string SystemName = "consensus-tls";

    public override SslClientAuthenticationOptions? Tls { get; } = BenchCertificates.ClientOptions();

    protected override IEnumerable<string> Arguments(int member, string dataDirectory)
    {
        var bundle = dataDirectory + ".pem";
        BenchCertificates.WriteMember(bundle, MemberName(member));
        return [.. base.Arguments(member, dataDirectory), "--tls", bundle];
    }

    /// <summary>
    /// What is measured has a name whose rights are looked up in rules, as a service's are: not those of the administrator.
    /// </summary>
    protected override void Prepare()
    {
        DefineLoadRole();
        Define($"principals/{BenchCertificates.ClientName}", """{"roles":["load"]}""");
    }
}
