using Consensus.Node.Ports;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>Persist first, then speak (rule 5): hands to the log what the Raft core wants written, and holds back what may be said only when it is durable.</summary>
internal sealed class PersistGate(TurnContext turn)
{
    private readonly Queue<(long Sequence, IReadOnlyList<Message> Messages)> _held = new();
    private long _handed;

    /// <summary>Everything handed to the log up to this sequence is durable.</summary>
    public long Durable { get; private set; }

    public void Pass(Ready ready)
    {
        if (ready.MustPersist)
        {
            _handed = ready.Sequence;
            turn.Out.Persists.Add(new PersistRequest(ready.Sequence, ready.HardState, ready.Snapshot, null, ready.Entries, ready.CommitIndex));
        }
        if (ready.MessagesAfterPersist.Count == 0)
        {
            return;
        }
        if (Durable >= _handed)
        {
            Send(ready.MessagesAfterPersist);
        }
        else
        {
            _held.Enqueue((_handed, ready.MessagesAfterPersist));
        }
    }

    public void OnPersisted(long sequence)
    {
        Durable = Math.Max(Durable, sequence);
        turn.Raft.Persisted(sequence);
        while (_held.TryPeek(out var next) && next.Sequence <= Durable)
        {
            Send(_held.Dequeue().Messages);
        }
    }

    private void Send(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            turn.Send(message);
        }
    }
}
