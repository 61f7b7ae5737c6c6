using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

/// <summary>After one failure the log does nothing more: a flush that is tried again reports success for what it did not write (raft-bugs 7).</summary>
public sealed class FailureTests
{
    [TestCase(DiskOperationKind.Write, DiskFault.InputOutputError)]
    [TestCase(DiskOperationKind.Write, DiskFault.Full)]
    [TestCase(DiskOperationKind.SyncData, DiskFault.InputOutputError)]
    [TestCase(DiskOperationKind.CreateNew, DiskFault.Full)]
    [TestCase(DiskOperationKind.Allocate, DiskFault.Full)]
    [TestCase(DiskOperationKind.Sync, DiskFault.InputOutputError)]
    [TestCase(DiskOperationKind.Rename, DiskFault.InputOutputError)]
    [TestCase(DiskOperationKind.SyncDirectory, DiskFault.InputOutputError)]
    public void A_failure_while_appending_is_final(DiskOperationKind kind, DiskFault fault)
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        member.Append(Make.Entry(1, 1));
        var failed = false;
        disk.Inject = operation =>
        {
            if (operation.Kind != kind || failed)
            {
                return DiskFault.None;
            }
            failed = true;
            return fault;
        };

        // Large enough to need a segment of its own, so that each kind of operation comes up.
        Assert.That(() => member.Append(Make.Entry(2, 1, 4000)), Throws.TypeOf<StorageFailedException>());
        var operations = disk.Operations;
        Assert.That(() => member.Append(Make.Entry(2, 1)), Throws.TypeOf<StorageFailedException>().With.Message.Contains("failed before"));
        Assert.That(() => member.Vote(1, 11), Throws.TypeOf<StorageFailedException>());
        Assert.That(member.Log.AppendEmptyFrame, Throws.TypeOf<StorageFailedException>());
        Assert.That(() => member.Log.Compact(new LogIndex(1)), Throws.TypeOf<StorageFailedException>());
        Assert.That(disk.Operations, Is.EqualTo(operations), "nothing is tried again");
    }

    [TestCase(DiskOperationKind.Delete)]
    [TestCase(DiskOperationKind.SyncDirectory)]
    public void A_failure_while_compacting_is_final(DiskOperationKind kind)
    {
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk);
        member.Append(Make.Entry(1, 1));
        member.Append(Make.Entry(2, 1, 4000));
        member.TakeSnapshot(Make.Mark(1, 1));
        disk.Inject = operation => operation.Kind == kind ? DiskFault.InputOutputError : DiskFault.None;

        Assert.That(() => member.Log.Compact(new LogIndex(1)), Throws.TypeOf<StorageFailedException>());
        disk.Inject = null;
        Assert.That(() => member.Append(Make.Entry(3, 1)), Throws.TypeOf<StorageFailedException>());
    }

    [Test]
    public void A_disk_that_cannot_be_read_does_not_look_like_an_empty_one()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entry(1, 1));
        }
        for (var at = 0; ; at++)
        {
            var reads = 0;
            disk.KillProcess();
            disk.Inject = operation => operation.Kind == DiskOperationKind.Read && reads++ == at ? DiskFault.InputOutputError : DiskFault.None;
            try
            {
                using var member = OpenMember.Start(disk);
                Assert.That(member.Recovered.Entries, Has.Count.EqualTo(1));
                Assert.That(at, Is.GreaterThan(3));
                return;
            }
            catch (Exception e) when (e is StorageFailedException or StorageRefusedException)
            {
                Assert.That(e.Message, Does.Contain("Input/output error"));
            }
        }
    }
}
