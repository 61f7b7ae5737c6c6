using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Simulation;

/// <summary>Delays, reorders, loses and doubles messages, and cuts links one way or both. Every message passes through the wire format.</summary>
internal sealed class SimulatedNetwork(DeterministicRandom random)
{
    private readonly PriorityQueue<(Message Message, long SentAt), (long At, long Order)> _onTheirWay = new();
    private readonly HashSet<(MemberId From, MemberId To)> _cut = [];
    private long _order;

    public int LossPerMille { get; set; }

    public int DoublePerMille { get; set; }

    public int LatePerMille { get; set; }

    public int MaxDelay { get; set; } = 2;

    public void Cut(MemberId from, MemberId to) => _cut.Add((from, to));

    public void Heal() => _cut.Clear();

    public bool IsCut(MemberId from, MemberId to) => _cut.Contains((from, to));

    public void Send(Message message, long now)
    {
        if (random.Chance(LossPerMille, 1000))
        {
            return;
        }
        Queue(message, now);
        if (random.Chance(DoublePerMille, 1000))
        {
            Queue(message, now);
        }
    }

    /// <summary>The next message that is due; false when none is.</summary>
    public bool TryReceive(long now, out Message message)
    {
        while (_onTheirWay.TryPeek(out var next, out var due) && due.At <= now)
        {
            _onTheirWay.Dequeue();
            if (!_cut.Contains((next.Message.From, next.Message.To)))
            {
                message = next.Message;
                return true;
            }
        }
        message = null!;
        return false;
    }

    private void Queue(Message message, long now)
    {
        var writer = new WireWriter();
        RaftCodec.WriteMessage(writer, message);
        var copy = RaftCodec.ReadMessage(writer.Written);
        Invariant.Require(copy is not null && copy.GetType() == message.GetType(), "a message is the same after its journey");
        var late = random.Chance(LatePerMille, 1000) ? random.Next(500) : 0;
        _onTheirWay.Enqueue((copy, now), (now + random.Next(MaxDelay + 1) + late, _order++));
    }
}
