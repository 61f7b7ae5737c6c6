using Consensus.Primitives;

namespace Consensus.Raft.Log;

/// <summary>
/// The Readys that are on their way to the disk, in order, each with what becomes durable with it. A cut of the log is told here, since a write
/// that carries entries which a later write replaces makes nothing durable that would last.
/// </summary>
internal sealed class PersistQueue
{
    private readonly List<Write> _writes = [];
    private int _hardStates;

    /// <summary>Sequence of the last Ready that had something to persist.</summary>
    public long LastSequence { get; private set; }

    public bool IsEmpty => _writes.Count == 0;

    /// <summary>True while a term or vote is on its way.</summary>
    public bool HoldsHardState => _hardStates > 0;

    /// <summary>Tick at which the disk last finished something, or began to have something to do.</summary>
    public long ProgressAt { get; private set; }

    /// <param name="lastIndex">The log's last index: once this and every earlier write is durable, so is everything up to it.</param>
    public long Add(LogIndex lastIndex, bool hasHardState, long now)
    {
        if (IsEmpty)
        {
            ProgressAt = now;
        }
        _writes.Add(new Write(++LastSequence, lastIndex, hasHardState));
        _hardStates += hasHardState ? 1 : 0;
        return LastSequence;
    }

    /// <summary>The writes up to <paramref name="sequence"/> are durable. The highest index that lasts; 0 when nothing new did.</summary>
    public LogIndex Complete(long sequence, long now)
    {
        Invariant.Require(sequence <= LastSequence, "only what was handed over is durable");
        var done = 0;
        var durable = LogIndex.Zero;
        while (done < _writes.Count && _writes[done].Sequence <= sequence)
        {
            durable = LogIndex.Max(durable, _writes[done].LastIndex);
            _hardStates -= _writes[done].HasHardState ? 1 : 0;
            done++;
        }
        if (done > 0)
        {
            _writes.RemoveRange(0, done);
            ProgressAt = now;
        }
        return durable;
    }

    /// <summary>The log was cut after <paramref name="index"/>: what the writes under way carry above it is replaced by a later one.</summary>
    public void Clamp(LogIndex index)
    {
        for (var i = 0; i < _writes.Count; i++)
        {
            _writes[i] = _writes[i] with { LastIndex = LogIndex.Min(_writes[i].LastIndex, index) };
        }
    }

    /// <summary>True when something has waited for <paramref name="ticks"/> and nothing became durable meanwhile (raft-bugs 25).</summary>
    public bool IsStalled(long now, int ticks) => !IsEmpty && now - ProgressAt >= ticks;

    private readonly record struct Write(long Sequence, LogIndex LastIndex, bool HasHardState);
}
