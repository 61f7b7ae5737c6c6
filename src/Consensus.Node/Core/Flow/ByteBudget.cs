namespace Consensus.Node.Core.Flow;

/// <summary>
/// How many bytes one thing may hold. The last tenth is for what is urgent. Thread-safe: reading it costs no lock, and holding one step.
/// </summary>
/// <param name="limit">In bytes. What is not urgent has nine tenths of it.</param>
public sealed class ByteBudget(long limit)
{
    private long _held;

    public long Limit { get; } = limit;

    public long Held => Volatile.Read(ref _held);

    /// <summary>The limit for what is not urgent.</summary>
    public long OrdinaryLimit => Limit - (Limit / 10);

    /// <summary>False, and nothing is held, when there is no room. An empty budget takes anything, however large: else what is larger than it could never pass.</summary>
    public bool TryHold(long bytes, bool isUrgent)
    {
        var most = isUrgent ? Limit : OrdinaryLimit;
        var held = Interlocked.Add(ref _held, bytes);
        if (held <= most || held == bytes)
        {
            return true;
        }
        Interlocked.Add(ref _held, -bytes);
        return false;
    }

    /// <summary>Holds what is there already, room or none.</summary>
    public void Hold(long bytes) => Interlocked.Add(ref _held, bytes);

    public void LetGo(long bytes) => Interlocked.Add(ref _held, -bytes);
}
