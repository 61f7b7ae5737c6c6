using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Workloads;

/// <summary>One client of one measurement.</summary>
/// <param name="Host">The member that the client talks to, as <c>address:port</c>.</param>
/// <param name="Index">The client's number among the clients of the measurement.</param>
/// <param name="Run">Tells this measurement's names apart from those of every other on the same cluster.</param>
/// <param name="Witness">Shared by all clients of the measurement.</param>
internal sealed record ClientSeat(string Host, int Index, string Run, HolderWitness Witness);

/// <summary>How clients of one system speak: the same workloads in the words of its interface.</summary>
internal interface IScriptSource
{
    IClientScript Create(Workload workload, ClientSeat seat);

    /// <summary>Writes its share of the keys and then has nothing more to say.</summary>
    IClientScript Fill(ClientSeat seat, FillShare share);

    /// <summary>Writes one fixed key over and over.</summary>
    IClientScript PutOne(string host);

    /// <summary>Watching a key at <paramref name="watchHost"/>, writing it through <paramref name="putHost"/>.</summary>
    /// <exception cref="BenchException">This system does not speak HTTP.</exception>
    WatchWords Watch(string watchHost, string putHost, string key);
}
