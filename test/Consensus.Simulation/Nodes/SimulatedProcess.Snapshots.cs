using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;
using Consensus.StateMachine;

namespace Consensus.Simulation.Nodes;

/// <summary>Snapshot files on their way to another member: chunk by chunk on a connection of their own.</summary>
public sealed partial class SimulatedProcess
{
    private const int ChunkBytes = 64 << 10;
    private const long ChunkMicros = 1_000;

    private void SendSnapshot(InstallSnapshotRequest install)
    {
        Stream content;
        try
        {
            content = _directory.Snapshots.OpenRaw(install.Mark);
        }
        catch (IOException)
        {
            Post(new SnapshotSentInput(install, SnapshotOutcome.Broken));
            return;
        }
        var writer = new WireWriter();
        RaftCodec.WriteMessage(writer, install);
        var header = writer.ToArray();
        if (_cluster.Find(install.To) is not { Process: { } target } receiver || !_cluster.Network.CanTalk(Node.Number, receiver.Number))
        {
            EndSending(install, content, success: false, _random.Next(1_000, 1_000_000));
            return;
        }
        Time.After(_cluster.Network.Delay(Node.Number, receiver.Number) * 2, () =>
        {
            if (_ended)
            {
                content.Dispose();
                return;
            }
            var arrival = receiver.Process == target ? target.SnapshotArriving(header, content.Length) : null;
            if (arrival is null)
            {
                EndSending(install, content, success: false, _cluster.Network.Delay(receiver.Number, Node.Number));
                return;
            }
            SendChunk(install, content, target, arrival);
        });
    }

    private void SendChunk(InstallSnapshotRequest install, Stream content, SimulatedProcess target, SnapshotArrival arrival)
    {
        var delay = _cluster.Network.Delay(Node.Number, target.Node.Number) + ChunkMicros;
        Time.After(delay, () =>
        {
            if (_ended || target._ended || !_cluster.Network.CanTalk(Node.Number, target.Node.Number))
            {
                target.GiveUp(arrival);
                EndSending(install, content, success: false, _random.Next(1_000, 1_000_000));
                return;
            }
            var chunk = new byte[ChunkBytes];
            var count = content.Read(chunk);
            if (count > 0)
            {
                if (target.TakeChunk(arrival, chunk.AsSpan(0, count)))
                {
                    SendChunk(install, content, target, arrival);
                }
                else
                {
                    EndSending(install, content, success: false, delay);
                }
                return;
            }
            AwaitCompletion(install, content, target, arrival, delay);
        });
    }

    /// <summary>The whole file is over there: its receiver says whether it took it, or its connection breaks with its process.</summary>
    private void AwaitCompletion(InstallSnapshotRequest install, Stream content, SimulatedProcess target, SnapshotArrival arrival, long delay)
    {
        var isTold = false;
        void Tell(bool accepted)
        {
            if (!isTold)
            {
                isTold = true;
                EndSending(install, content, accepted, delay);
            }
        }

        void LookAgain() => Time.After(100_000, () =>
        {
            if (target._ended)
            {
                Tell(accepted: false);
            }
            else if (!isTold && !_ended)
            {
                LookAgain();
            }
        });

        target.CompleteArrival(arrival, Tell);
        LookAgain();
    }

    private void EndSending(InstallSnapshotRequest install, Stream content, bool success, long within) => Time.After(within, () =>
    {
        content.Dispose();
        Post(new SnapshotSentInput(install, success ? SnapshotOutcome.Taken : SnapshotOutcome.Broken));
    });

    /// <summary>As <c>IPeerEvents.SnapshotArriving</c> of the node.</summary>
    private SnapshotArrival? SnapshotArriving(byte[] header, long lengthBytes)
    {
        if (RaftCodec.ReadMessage(header) is not InstallSnapshotRequest request || request.Mark.LastIndex <= Core.AppliedIndex)
        {
            return null;
        }
        try
        {
            return new SnapshotArrival(request, _directory.Snapshots.Receive(request.Mark, lengthBytes));
        }
        catch (StorageFailedException)
        {
            return null;
        }
    }

    private static void Give(SnapshotArrival arrival) => arrival.Incoming.Dispose();

    private void GiveUp(SnapshotArrival arrival)
    {
        if (!_ended)
        {
            Give(arrival);
        }
    }

    /// <summary>False when the disk did not take it: the connection ends, the file is removed.</summary>
    private bool TakeChunk(SnapshotArrival arrival, ReadOnlySpan<byte> chunk)
    {
        try
        {
            arrival.Incoming.Write(chunk);
            return true;
        }
        catch (StorageFailedException)
        {
            Give(arrival);
            return false;
        }
    }

    private void CompleteArrival(SnapshotArrival arrival, Action<bool> tell)
    {
        SnapshotFile? file = null;
        ReplicatedState? state = null;
        Begin(
            new DiskJob(
                () =>
                {
                    try
                    {
                        file = arrival.Incoming.Complete();
                    }
                    catch (StorageFailedException)
                    {
                        Give(arrival);
                        return;
                    }
                    using var reader = _directory.Snapshots.Open(file.Mark);
                    state = ReplicatedState.Restore(_cluster.Limits, _cluster.Wiring.Source(reader));
                },
                () =>
                {
                    if (state is null)
                    {
                        tell(false);
                        return;
                    }
                    arrival.Incoming.Dispose();
                    _cluster.SnapshotsTaken++;
                    _cluster.Observer.SnapshotTaken(Node, file!.Mark);
                    Post(new SnapshotArrivedInput(arrival.Request, file, state));
                    tell(true);
                }),
            SnapshotMicros());
        _cluster.WorkBegins(this);
    }

    private sealed record SnapshotArrival(InstallSnapshotRequest Request, IIncomingSnapshot Incoming);
}
