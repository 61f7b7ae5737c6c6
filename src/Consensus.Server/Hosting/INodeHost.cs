using Consensus.Node;
using Consensus.Storage.Encryption;

namespace Consensus.Server.Hosting;

/// <summary>A node that runs: what the server starts before it listens to clients, and stops when it is told to end.</summary>
public interface INodeHost : IAsyncDisposable
{
    /// <summary>Usable at once; until the member is ready, requests are told so.</summary>
    IConsensusNode Node { get; }

    /// <summary>Ends, with one sentence for the operator, when this member learns that it was removed from its cluster: it has to be stopped then.</summary>
    Task<string> Removed { get; }

    /// <summary>What its data is sealed with; null: it is plain.</summary>
    KeyRing? Keys => null;

    /// <summary>
    /// A clean stop within <paramref name="limit"/> (rule 30): new commands wait or are refused, leadership is handed over, waiting requests are detached or cancelled and
    /// answered.
    /// </summary>
    Task StopAsync(TimeSpan limit);
}
