using Consensus.Primitives;

namespace Consensus.Node.Core.Flow;

/// <summary>
/// How many bytes a leader lets be appended and not settled, which is committed and on its own disk, for commands that are not urgent. The log is one order, so an urgent command waits
/// for all that was proposed before it: the window is as large as what is settled within the target, as measured by how long entries really take. What does not fit waits outside the
/// log, where urgent commands pass it.
/// </summary>
/// <remarks>
/// Entry by entry, one at a time, the time from proposal to settlement is taken. One that took longer than the target makes the window smaller in proportion, at most by half; one that
/// took less, while the window kept something waiting, makes it larger in proportion, at most double. Owned by the loop; its time is the loop's, so a seed runs alike every time.
/// </remarks>
/// <param name="least">Bytes that are always let through: below them a slow disk or a long way to the others is no queue that would be worth shortening.</param>
/// <param name="most">Bytes that are never exceeded but by one entry, beside a quarter of them.</param>
/// <param name="targetMicros">Within which what is in the window is to be settled.</param>
internal sealed class ProposalWindow(long least, long most, long targetMicros)
{
    private LogIndex _watched;
    private long _watchedSince;
    private bool _keptWaiting;

    public long Bytes { get; private set; } = Math.Clamp(4 << 20, least, most);

    /// <summary>
    /// Whether a command may be proposed. It counts for three quarters of the window at most: beside small commands that never end there are always some bytes that are not settled, and
    /// what is as large as the window would wait for ever for a moment without any.
    /// </summary>
    /// <param name="unsettled">Bytes that are appended and not settled. With none, anything fits.</param>
    public bool HasRoom(long unsettled, long bytes)
    {
        var has = unsettled == 0 || unsettled + Math.Min(bytes, Bytes - (Bytes / 4)) <= Bytes;
        _keptWaiting |= !has;
        return has;
    }

    /// <summary>An entry was proposed.</summary>
    public void Proposed(LogIndex index, long now)
    {
        if (_watched == LogIndex.Zero)
        {
            (_watched, _watchedSince, _keptWaiting) = (index, now, false);
        }
    }

    /// <summary>What is settled as of now. Call it before <see cref="HasRoom"/>, and as soon as something is settled: what is noticed late counts as slow.</summary>
    public void Settled(LogIndex index, long now)
    {
        if (_watched == LogIndex.Zero || index < _watched)
        {
            return;
        }
        _watched = LogIndex.Zero;
        var took = Math.Max(1, now - _watchedSince);
        if (took > targetMicros || _keptWaiting)
        {
            Bytes = Math.Clamp(Bytes * targetMicros / took, Math.Max(least, Bytes / 2), Math.Min(most, Bytes * 2));
        }
    }

    /// <summary>Another leads, or this member anew: what was watched may never be settled.</summary>
    public void Restart() => _watched = LogIndex.Zero;
}
