namespace Consensus.Chaos.Clients;

/// <summary>A client that asks until it is stopped.</summary>
internal interface IAsker : IDisposable
{
    /// <summary>Operations answered so far; read by others.</summary>
    long Answered { get; }

    /// <summary>Until it is stopped, and what it asked by then is over.</summary>
    Task RunAsync(CancellationToken stop);
}
