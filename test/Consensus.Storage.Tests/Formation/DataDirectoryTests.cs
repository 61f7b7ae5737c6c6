using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Formation;

public sealed class DataDirectoryTests
{
    [Test]
    public void A_new_directory_is_made_with_its_parents_and_keeps_its_identity()
    {
        var disk = new SimulatedDisk(1);
        using (var directory = Open(disk, () => 4711))
        {
            Assert.That(directory.Identity.IsFormed, Is.False);
            Assert.That(directory.Identity.Incarnation, Is.EqualTo(4711));
            Assert.That(disk.List(OpenMember.Root), Is.EqualTo(new[] { "identity", "lock", "snap", "wal" }));
        }
        using (var again = Open(disk, () => 4712))
        {
            Assert.That(again.Identity.Incarnation, Is.EqualTo(4711));
            again.Form(Make.Cluster, Make.Self, Make.Initial);
        }
        using var formed = Open(disk, () => 4713);
        Assert.That((formed.Identity.Name, formed.Identity.Incarnation, formed.Identity.Cluster, formed.Identity.Member),
            Is.EqualTo((Make.Name, 4711L, Make.Cluster, Make.Self)));
        Assert.That(formed.Identity.TokenDigest.ToArray(), Is.EqualTo(Make.Digest));
    }

    [Test]
    public void A_second_process_is_refused_until_the_first_one_ends()
    {
        var disk = new SimulatedDisk(1);
        using (OpenMember.Start(disk))
        {
            Assert.That(() => Open(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains("in use by another process"));
        }
        using var member = OpenMember.Start(disk);
        disk.KillProcess();
        using var next = OpenMember.Start(disk);
    }

    [Test]
    public void Another_members_directory_or_one_of_another_token_is_refused()
    {
        var disk = new SimulatedDisk(1);
        OpenMember.Start(disk).Dispose();

        Assert.That(() => DataDirectory.Open(disk, OpenMember.Root, "n2", Make.Digest, () => 1, OpenMember.SmallSegments),
            Throws.TypeOf<StorageRefusedException>().With.Message.Contains("belongs to the member 'n1', not to 'n2'"));
        Assert.That(() => DataDirectory.Open(disk, OpenMember.Root, "n1", new byte[32], () => 1, OpenMember.SmallSegments),
            Throws.TypeOf<StorageRefusedException>().With.Message.Contains("another cluster token"));
        OpenMember.Start(disk).Dispose();
    }

    [Test]
    public void A_refused_name_or_token_says_what_to_give_and_that_a_directory_of_no_cluster_may_be_removed()
    {
        var disk = new SimulatedDisk(1);
        Open(disk).Dispose();
        Assert.That(() => DataDirectory.Open(disk, OpenMember.Root, "n2", Make.Digest, () => 1, OpenMember.SmallSegments),
            Throws.TypeOf<StorageRefusedException>().With.Message.EndsWith(": give --name n1, or another --data-dir, or remove this one, which belongs to no cluster yet"));
        using (var formed = Open(disk))
        {
            formed.Form(Make.Cluster, Make.Self, Make.Initial);
        }
        Assert.That(() => DataDirectory.Open(disk, OpenMember.Root, "n1", new byte[32], () => 1, OpenMember.SmallSegments),
            Throws.TypeOf<StorageRefusedException>().With.Message.EndsWith(": give that --cluster-token, or another --data-dir"));
    }

    [Test]
    public void A_directory_with_other_things_in_it_is_not_taken_over()
    {
        var disk = new SimulatedDisk(1);
        Open(disk, path: "/srv/other").Dispose();
        Assert.That(() => Open(disk, path: "/srv"), Throws.TypeOf<StorageRefusedException>().With.Message.Contains("it holds other"));
        Assert.That(disk.List("/srv"), Is.EqualTo(new[] { "other" }));
    }

    [Test]
    public void An_audit_log_is_no_strange_thing()
    {
        var disk = new SimulatedDisk(1);
        Open(disk, path: "/srv/n1/audit").Dispose();
        Open(disk, path: "/srv/n1").Dispose();
        Assert.That(disk.List("/srv/n1"), Does.Contain("audit").And.Contain("identity"));
    }

    [Test]
    public void A_log_without_an_identity_is_refused()
    {
        var disk = new SimulatedDisk(1);
        OpenMember.Start(disk).Dispose();
        disk.Delete(OpenMember.Root + "/identity");

        Assert.That(() => Open(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains("no identity file"));
    }

    [Test]
    public void An_identity_damaged_anywhere_is_refused()
    {
        var disk = new SimulatedDisk(1);
        OpenMember.Start(disk).Dispose();
        var path = OpenMember.Root + "/identity";
        var whole = disk.Contents(path);
        for (var offset = 0; offset < whole.Length; offset++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                disk.FlipBit(path, offset, bit);
                Assert.That(() => Open(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(path), $"offset {offset} bit {bit}");
                disk.FlipBit(path, offset, bit);
            }
            disk.Replace(path, whole.AsSpan(0, offset));
            Assert.That(() => Open(disk), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(path), $"cut at {offset}");
            disk.Replace(path, whole);
        }
    }

    [Test]
    public void A_crash_at_each_operation_of_making_and_forming_can_be_repeated_to_the_end()
    {
        var tried = 0;
        foreach (var fault in new[] { DiskFault.CrashBefore, DiskFault.CrashAfter })
        {
            foreach (var powerLoss in new[] { true, true, true, false })
            {
                for (var at = 0; ; at++, tried++)
                {
                    var disk = new SimulatedDisk((ulong)tried);
                    var incarnations = 100L;
                    var told = 0L;
                    var formed = false;
                    var count = 0;
                    disk.Inject = operation => operation.Kind != DiskOperationKind.Read && count++ == at ? fault : DiskFault.None;
                    try
                    {
                        var directory = Open(disk, () => ++incarnations);
                        told = directory.Identity.Incarnation;
                        directory.Form(Make.Cluster, Make.Self, Make.Initial);
                        formed = true;
                        directory.Recover(out _);
                        break;
                    }
                    catch (SimulatedCrashException)
                    {
                        End(disk, powerLoss);
                    }

                    var what = $"{fault} at {at}, power loss {powerLoss}, variant {tried}";
                    using (var directory = Open(disk, () => ++incarnations))
                    {
                        Assert.That(told, Is.EqualTo(0).Or.EqualTo(directory.Identity.Incarnation), $"an incarnation that was told is kept: {what}");
                        Assert.That(directory.Identity.IsFormed || !formed, $"what was formed stays formed: {what}");
                        told = directory.Identity.Incarnation;
                        if (!directory.Identity.IsFormed)
                        {
                            directory.Form(Make.Cluster, Make.Self, Make.Initial);
                        }
                        directory.Recover(out var log);
                        log.Append([new PersistRequest(1, Make.Vote(1, 11), null, null, Make.Entries(1, 2, 1))]);
                    }
                    disk.LosePower();
                    using var again = Open(disk, () => ++incarnations);
                    Assert.That(again.Identity.Incarnation, Is.EqualTo(told), what);
                    Assert.That(again.Recover(out _).Entries, Has.Count.EqualTo(2), what);
                }
            }
        }
        Assert.That(tried, Is.GreaterThan(100));
    }

    [Test]
    public void A_disk_that_fails_while_a_directory_is_opened_is_a_clear_refusal()
    {
        var disk = new SimulatedDisk(1) { Inject = operation => operation.Kind == DiskOperationKind.Sync ? DiskFault.Full : DiskFault.None };

        Assert.That(() => Open(disk), Throws.TypeOf<StorageRefusedException>()
            .With.Message.StartsWith($"the data directory {OpenMember.Root} cannot be used").And.Message.Contains("the disk is full"));
        disk.Inject = null;
        Open(disk).Dispose();
    }

    [Test]
    public void Forming_twice_and_recovering_unformed_are_bugs()
    {
        using var directory = Open(new SimulatedDisk(1));
        Assert.That(() => directory.Recover(out _), Throws.TypeOf<InvariantViolationException>());
        directory.Form(Make.Cluster, Make.Self, Make.Initial);
        Assert.That(() => directory.Form(Make.Cluster, Make.Self, Make.Initial), Throws.TypeOf<InvariantViolationException>());
    }

    private static DataDirectory Open(SimulatedDisk disk, Func<long>? incarnation = null, string path = OpenMember.Root) =>
        DataDirectory.Open(disk, path, Make.Name, Make.Digest, incarnation ?? (() => Make.Incarnation), OpenMember.SmallSegments);

    private static void End(SimulatedDisk disk, bool powerLoss)
    {
        if (powerLoss)
        {
            disk.LosePower();
        }
        else
        {
            disk.KillProcess();
        }
    }
}
