using Consensus.Node.Core.Flow;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// The commands that this member was asked for, or logs on its own account, and that are not answered: each by its number, all of them bounded in bytes and, apart from those that
/// stand in a line, in number.
/// </summary>
internal sealed class CommandTable(NodeCoreOptions options)
{
    private readonly Dictionary<long, PendingCommand> _pending = [];
    private long _inLine;

    /// <summary>What the clients' and the member's own commands hold.</summary>
    public ByteBudget Bytes { get; } = new(options.MaxPendingBytes);

    public bool IsEmpty => _pending.Count == 0;

    public IEnumerable<PendingCommand> All => _pending.Values;

    /// <summary>In the order in which they came; the member's own last.</summary>
    public List<PendingCommand> InOrder => [.. _pending.Values.OrderBy(pending => pending.Request.Sequence)];

    /// <summary>False when there is no room. What the member logs on its own account is bounded by what it is for.</summary>
    public bool TryAdd(PendingCommand pending)
    {
        if (pending.IsInternal)
        {
            Bytes.Hold(pending.Bytes);
        }
        else
        {
            var isUrgent = pending.Lane == CommandLane.Urgent;
            var most = isUrgent ? options.MaxPendingCommands : options.MaxPendingCommands - (options.MaxPendingCommands / 10);
            if (_pending.Count - _inLine >= most || !Bytes.TryHold(pending.Bytes, isUrgent))
            {
                return false;
            }
        }
        _pending.Add(pending.Request.Sequence, pending);
        return true;
    }

    public PendingCommand? Find(long sequence) => _pending.GetValueOrDefault(sequence);

    /// <summary>It is applied and stands in a line: its payload is not needed any more, and it may stand there for long. Idempotent.</summary>
    public void StandsInLine(PendingCommand pending)
    {
        if (pending.Stage == PendingStage.Waiting)
        {
            return;
        }
        pending.Stage = PendingStage.Waiting;
        _inLine++;
        Bytes.LetGo(pending.Bytes);
        pending.ForgetPayload();
        Bytes.Hold(pending.Bytes);
    }

    /// <summary>It is about to be answered. False when it was refused before it stood here.</summary>
    public bool Remove(PendingCommand pending)
    {
        if (!_pending.Remove(pending.Request.Sequence))
        {
            return false;
        }
        _inLine -= pending.Stage == PendingStage.Waiting ? 1 : 0;
        Bytes.LetGo(pending.Bytes);
        return true;
    }

    /// <summary>Those of which this is true, in the order in which they came.</summary>
    public List<PendingCommand> Where(Func<PendingCommand, bool> predicate)
    {
        List<PendingCommand> found = [];
        foreach (var pending in _pending.Values)
        {
            if (predicate(pending))
            {
                found.Add(pending);
            }
        }
        found.Sort(static (a, b) => a.Request.Sequence.CompareTo(b.Request.Sequence));
        return found;
    }
}
