using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// Commands that wait to be sent, in the order in which they came. One that is given up leaves at once, wherever it stands: while there is no leader there may be tens of thousands.
/// </summary>
internal sealed class PendingQueue
{
    private PendingCommand? _first;
    private PendingCommand? _last;

    public int Count { get; private set; }

    public PendingCommand? First => _first;

    public void Add(PendingCommand pending)
    {
        Invariant.Require(!Contains(pending), "a request is queued once");
        pending.Ahead = _last;
        _ = _last is null ? _first = pending : _last.Behind = pending;
        _last = pending;
        Count++;
    }

    /// <summary>Idempotent.</summary>
    public void Remove(PendingCommand pending)
    {
        if (!Contains(pending))
        {
            return;
        }
        _ = pending.Ahead is null ? _first = pending.Behind : pending.Ahead.Behind = pending.Behind;
        _ = pending.Behind is null ? _last = pending.Ahead : pending.Behind.Ahead = pending.Ahead;
        (pending.Ahead, pending.Behind) = (null, null);
        Count--;
    }

    private bool Contains(PendingCommand pending) => pending.Ahead is not null || ReferenceEquals(_first, pending);
}
