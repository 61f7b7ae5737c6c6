using System.Diagnostics.CodeAnalysis;

namespace Consensus.Client.Testing.Api;

/// <summary>Whether a client of the store is connected to it. Thread-safe.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Its sources have no timers, and a token must stay usable for whoever still has it.")]
internal sealed class InMemoryConnection
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _connection = new();
    private TaskCompletionSource _reconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Cancelled when it is cut.</summary>
    public CancellationToken Token
    {
        get
        {
            lock (_gate)
            {
                return _connection.Token;
            }
        }
    }

    /// <summary>Null while connected; else what ends when it is connected again.</summary>
    public Task? Reconnected
    {
        get
        {
            lock (_gate)
            {
                return _connection.IsCancellationRequested ? _reconnected.Task : null;
            }
        }
    }

    public void Disconnect()
    {
        CancellationTokenSource connection;
        lock (_gate)
        {
            connection = _connection;
        }
        connection.Cancel();
    }

    public void Reconnect()
    {
        lock (_gate)
        {
            if (_connection.IsCancellationRequested)
            {
                _connection = new CancellationTokenSource();
                _reconnected.TrySetResult();
                _reconnected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
