namespace Consensus.Benchmarks.Workloads;

/// <summary>
/// Watches the one contended lock from the clients' side: a second grant before the first holder sent its release is a broken
/// promise, and is counted as a failed operation. Used on the generator's one thread only.
/// </summary>
internal sealed class HolderWitness
{
    private bool _held;
    private long _lastToken;

    /// <summary>
    /// A client was granted the lock with this fencing token (0 where the system gives none). False when another client holds it, or the
    /// token is not above every earlier one.
    /// </summary>
    public bool Granted(long fencingToken)
    {
        var fine = !_held && (fencingToken == 0 || fencingToken > _lastToken);
        _held = true;
        _lastToken = fencingToken;
        return fine;
    }

    /// <summary>The holder is about to send its release.</summary>
    public void Releasing() => _held = false;
}
