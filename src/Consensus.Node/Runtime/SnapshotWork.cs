using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;
using Consensus.StateMachine.Snapshots;

namespace Consensus.Node.Runtime;

/// <summary>What a turn wants done with snapshot files: each on a thread of its own, so that neither turns nor requests wait for it.</summary>
/// <param name="fail">Told with a sentence when the member can go on no longer.</param>
internal sealed class SnapshotWork(NodeSurroundings outside, INodeThreads threads, SnapshotArrivals arrivals, Action<string, Exception> fail)
{
    /// <summary>Encodes a view and saves it; a turn hears how that went.</summary>
    public void Save(SnapshotOrder order) => InBackground(BackgroundWork.SaveSnapshot, () =>
    {
        try
        {
            var file = outside.Snapshots.Save(order.Mark, sink => SnapshotWriter.Write(order.View, new PacedSink(sink, outside.Time, threads.Rest)));
            threads.PostToLoop(new SnapshotSavedInput(file));
        }
        catch (StorageFailedException e) when (e.MayPass)
        {
            // Nothing that was acknowledged depends on it, and the log may have room for long: it has its space beforehand.
            outside.Warn($"no snapshot could be taken, and the log grows until one is: {e.Message}; free some space, and the next one is tried when as much was logged again");
            threads.PostToLoop(new SnapshotNotSavedInput());
        }
    });

    /// <summary>Opens the file and hands it to the transport, with a turn; a turn hears how the transfer ended.</summary>
    public void Send(InstallSnapshotRequest install, IPeerTransport transport)
    {
        var writer = new WireWriter();
        RaftCodec.WriteMessage(writer, install);
        var header = writer.ToArray();
        InBackground(BackgroundWork.OpenSnapshot, () =>
        {
            Stream content;
            try
            {
                content = outside.Snapshots.OpenRaw(install.Mark);
            }
            catch (Exception e) when (e is IOException or StorageFailedException { MayPass: true })
            {
                // A newer snapshot took its place meanwhile, and the leader will offer that one; or there is no file descriptor left.
                outside.Notice($"the snapshot up to index {install.Mark.LastIndex} is not sent now: {e.Message}");
                threads.PostToLoop(new SnapshotSentInput(install, SnapshotOutcome.Broken));
                return;
            }
            catch (StorageFailedException e)
            {
                outside.Warn($"the snapshot up to index {install.Mark.LastIndex} cannot be read, another one is taken: {e.Message}; look after this disk");
                threads.PostToLoop(new SnapshotSentInput(install, new SnapshotOutcome(SnapshotEnd.Unreadable)));
                return;
            }
            threads.PostAction(() => transport.SendSnapshot(install.To, header, content));
        });
    }

    /// <summary>Files of before this one, and what is here of one that is on its way and not needed any more.</summary>
    public void RemoveBefore(SnapshotMark mark) => InBackground(BackgroundWork.RemoveSnapshots, () =>
    {
        try
        {
            arrivals.DropThrough(mark.LastIndex);
            outside.Snapshots.RemoveOlderThan(mark);
        }
        catch (StorageFailedException e) when (e.MayPass)
        {
            outside.Notice($"older snapshots stay until the next one is taken: {e.Message}");
        }
    });

    /// <summary>The member ends: what is here of a file on its way goes.</summary>
    public void Close() => arrivals.DropThrough(new LogIndex(long.MaxValue));

    private void InBackground(BackgroundWork work, Action body) => threads.Run(work, () =>
    {
        try
        {
            body();
        }
        catch (Exception failure)
        {
            fail("the disk failed under a snapshot", failure);
        }
    });
}
