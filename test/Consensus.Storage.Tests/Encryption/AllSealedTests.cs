using Consensus.Node.Ports;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>The word <c>sealed</c> in the key file: nothing that is in plain is believed to be this member's.</summary>
public sealed class AllSealedTests
{
    private const string AllSealed = "sealed\n" + Make.KeyFile;

    private const string InPlain =
        "is in plain, and the first line of the key file says that all is sealed: somebody put it there, or it is of before that was so";

    [Test]
    public void A_plain_file_is_refused_by_name_once_the_key_file_says_that_all_is_sealed()
    {
        var disk = new SimulatedDisk(1);
        using (var member = OpenMember.Start(disk))
        {
            member.Append(Make.Entries(1, 3, 1));
            member.TakeSnapshot(Make.Mark(2, 1));
        }
        var plain = disk.Contents(OpenMember.SnapshotPath(Make.Mark(2, 1)));
        Refused(disk, $"{OpenMember.SegmentPath(1)} {InPlain}");

        disk = new SimulatedDisk(1);
        using (var own = OpenMember.Start(disk, options: OpenMember.Sealed(AllSealed)))
        {
            own.Append(Make.Entries(1, 3, 1));
            own.TakeSnapshot(Make.Mark(2, 1));
            own.Snapshots.Open(Make.Mark(2, 1)).Dispose();
            own.Snapshots.OpenRaw(Make.Mark(2, 1)).Dispose();
            disk.Replace(OpenMember.SnapshotPath(Make.Mark(2, 1)), plain);
            Assert.That(() => own.Snapshots.Open(Make.Mark(2, 1)), Throws.TypeOf<StorageRefusedException>().With.Message.Contains(InPlain));
            Assert.That(() => own.Snapshots.OpenRaw(Make.Mark(2, 1)),
                Throws.TypeOf<StorageFailedException>().With.Message.Contains(InPlain));
        }
        Refused(disk, $"{OpenMember.SnapshotPath(Make.Mark(2, 1))} {InPlain}");
    }

    private static void Refused(SimulatedDisk disk, string sentence) => Assert.That(
        () => OpenMember.Start(disk, options: OpenMember.Sealed(AllSealed)),
        Throws.TypeOf<StorageRefusedException>().With.Message.EqualTo(sentence));
}
