namespace Consensus.Cli.LockRun;

/// <summary>
/// The processes of one group. Its leader must be a child that is not yet reaped, so that the number cannot mean another group.
/// Thread-safe.
/// </summary>
internal sealed class ProcessGroup(int id)
{
    private readonly Lock _gate = new();
    private bool _closed;

    public int Id { get; } = id;

    /// <summary>Sends a signal to every process of the group; nothing once it is closed.</summary>
    public void Signal(int signal)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _ = Libc.Kill(-Id, signal);
            }
        }
    }

    /// <summary>To be called before the leader is reaped: from here on the number may be reused.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }

    /// <summary>The processes of the group that still run; a zombie has done its last and does not count.</summary>
    public IReadOnlyList<int> Living() =>
        [.. ProcessEntry.All().Where(process => process.Group == Id && !process.HasEnded).Select(process => process.Pid)];
}
