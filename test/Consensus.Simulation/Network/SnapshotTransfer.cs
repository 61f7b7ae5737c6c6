using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Network;

/// <summary>
/// One snapshot's file on its way to another member, chunk by chunk on a connection of its own: what the transport does between the two members' runtimes. It breaks with either
/// process, and when they cannot talk; the next one goes on where it broke.
/// </summary>
/// <param name="header">What the sender's runtime gave with it.</param>
/// <param name="content">The file; disposed at the end.</param>
/// <param name="ended">Told once how it ended, unless the sender ended before.</param>
internal sealed class SnapshotTransfer(
    SimulatedCluster cluster, SimulatedProcess sender, MemberId to, byte[] header, Stream content, Action<SnapshotOutcome> ended)
{
    private const int ChunkBytes = 64 << 10;

    /// <summary>What a chunk takes at least.</summary>
    private const long ChunkMicros = 1_000;

    /// <summary>How long it takes at most until a sender knows that its connection broke.</summary>
    private const long BreaksWithin = 1_000_000;

    private readonly byte[] _chunk = new byte[ChunkBytes];
    private bool _isOver;

    private SimulatedNetwork Network => cluster.Network;

    /// <param name="may">False when another one to the same member is under way: this one fails.</param>
    public void Begin(bool may)
    {
        if (!may || cluster.Find(to) is not { Process: { } target } receiver || !Network.CanTalk(sender.Node.Number, receiver.Number))
        {
            End(SnapshotOutcome.Broken, Break());
            return;
        }
        After(Delay(target) * 2, () =>
        {
            ISnapshotArrival? arrival = null;
            SnapshotRejection? rejection = null;
            if (receiver.Process != target || !target.OnTransportThread(() => arrival = cluster.Wiring.Arriving(target, sender.Node.Id, header, content.Length, out rejection)))
            {
                End(SnapshotOutcome.Broken, Break());
            }
            else if (arrival is null)
            {
                End(Refused(rejection!), Delay(target));
            }
            else
            {
                content.Position = arrival.TakenBytes;
                SendChunk(target, arrival);
            }
        });
    }

    private void SendChunk(SimulatedProcess target, ISnapshotArrival arrival)
    {
        var count = (int)Math.Min(ChunkBytes, content.Length - content.Position);
        var takes = Math.Max(ChunkMicros, Network.Options.TransmitMicros(count) + cluster.Plan.Cost.SnapshotMicros(count));
        After(Delay(target) + takes, () => SendChunk(target, arrival, count));
    }

    private void SendChunk(SimulatedProcess target, ISnapshotArrival arrival, int count)
    {
        if (target.HasEnded || !Network.CanTalk(sender.Node.Number, target.Node.Number))
        {
            GiveUp(target, arrival, SnapshotOutcome.Broken);
            return;
        }
        if (count == 0)
        {
            Complete(target, arrival);
            return;
        }
        Exception? unreadable = null;
        SnapshotRejection? rejection = null;
        if (!sender.OnTransportThread(() => unreadable = cluster.Wiring.ReadOutgoing(content, _chunk.AsSpan(0, count))) || unreadable is not null)
        {
            GiveUp(target, arrival, new SnapshotOutcome(SnapshotEnd.Unreadable));
        }
        else if (!target.OnTransportThread(() => rejection = arrival.Write(_chunk.AsSpan(0, count))))
        {
            GiveUp(target, arrival, SnapshotOutcome.Broken);
        }
        else if (rejection is not null)
        {
            GiveUp(target, arrival, Refused(rejection));
        }
        else
        {
            SendChunk(target, arrival);
        }
    }

    /// <summary>The whole file is over there: its receiver says whether it took it, or its connection breaks with its process.</summary>
    private void Complete(SimulatedProcess target, ISnapshotArrival arrival)
    {
        var outcome = SnapshotOutcome.Broken;
        target.BeginOnTransportThread(
            () =>
            {
                using (arrival)
                {
                    outcome = arrival.Complete() is { } rejection ? Refused(rejection) : SnapshotOutcome.Taken;
                }
            },
            () => End(outcome, Delay(target)));
        LookWhetherItEnds(target);
    }

    private void LookWhetherItEnds(SimulatedProcess target) => After(100_000, () =>
    {
        if (target.HasEnded)
        {
            End(SnapshotOutcome.Broken, 0);
        }
        else if (!_isOver)
        {
            LookWhetherItEnds(target);
        }
    });

    private void GiveUp(SimulatedProcess target, ISnapshotArrival arrival, SnapshotOutcome outcome)
    {
        if (!target.HasEnded)
        {
            target.OnTransportThread(arrival.Dispose);
        }
        End(outcome, outcome.End == SnapshotEnd.Broken ? Break() : Delay(target));
    }

    private void End(SnapshotOutcome outcome, long within)
    {
        if (_isOver)
        {
            return;
        }
        _isOver = true;
        After(within, () =>
        {
            content.Dispose();
            ended(outcome);
        });
    }

    /// <summary>As long as the sender lives; a file that it had open is closed with it.</summary>
    private void After(long micros, Action happens) => cluster.Time.After(micros, () =>
    {
        if (!sender.HasEnded)
        {
            happens();
        }
    });

    private static SnapshotOutcome Refused(SnapshotRejection rejection) => new(SnapshotEnd.Refused, rejection);

    private long Delay(SimulatedProcess target) => Network.Delay(sender.Node.Number, target.Node.Number);

    private long Break() => cluster.Random.Next(1_000, BreaksWithin);
}
