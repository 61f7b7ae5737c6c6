using System.Net.Sockets;
using System.Text;

namespace Consensus.Benchmarks.Clusters;

/// <summary>
/// As <see cref="ConsensusCluster"/>, and every request is judged: what authorization alone costs, without TLS. Who asks in the clear is
/// anonymous, and has a role whose rules are looked up as a service's are.
/// </summary>
internal sealed class JudgingConsensusCluster(string program, string directory, int size)
    : ConsensusCluster(program, directory, size, SystemName)
{
    public const string SystemName = "consensus-auth";

    private string _anyData = "";

    protected override IEnumerable<string> Arguments(int member, string dataDirectory)
    {
        _anyData = dataDirectory;
        return base.Arguments(member, dataDirectory);
    }

    protected override void Prepare()
    {
        DefineLoadRole();
        Define("principals/anonymous", """{"roles":["load","monitor"]}""");
        PutIntoForce();
    }

    /// <summary>By whoever has the machine: nobody else is known without TLS.</summary>
    private void PutIntoForce()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(_anyData, "admin.sock")));
        socket.Send("POST /v1/auth/enable HTTP/1.1\r\nHost: local\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"u8);
        using var answer = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
        var text = answer.ReadToEnd();
        if (!text.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
        {
            throw new BenchException($"{Name}: its policy could not be put into force: {text}");
        }
    }
}
