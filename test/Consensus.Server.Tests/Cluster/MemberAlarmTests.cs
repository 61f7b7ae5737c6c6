using Consensus.Server.Cluster;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Cluster;

internal sealed class MemberAlarmTests
{
    private const long MiB = 1 << 20;

    private static readonly long Quota = Limits.Default.MaxStateBytes;

    private static IReadOnlyList<string> AlarmsOf(DiskRoom? room, long stateBytes = 0, long snapshotBytes = 0)
    {
        var status = new InProcessNode().Status;
        return new MemberAlarms(() => room).Of(status with
        {
            Alarms = ["of its own"],
            Counts = status.Counts with { StateBytes = stateBytes },
            SnapshotBytes = snapshotBytes,
        });
    }

    [Test]
    public void With_room_for_everything_there_are_only_the_nodes_own() =>
        Assert.That(AlarmsOf(new DiskRoom(2_000 * MiB, 10_000 * MiB), Quota / 2), Is.EqualTo(new[] { "of its own" }));

    [Test]
    public void What_is_not_known_is_no_alarm() => Assert.That(AlarmsOf(null), Has.Count.EqualTo(1));

    [Test]
    public void A_disk_with_little_room_is_told_in_words()
    {
        Assert.That(AlarmsOf(new DiskRoom(255 * MiB, 10_000 * MiB)), Has.Some.StartsWith("the disk of its data directory has 255 MiB left of 10,000"));
        Assert.That(AlarmsOf(new DiskRoom(256 * MiB, 10_000 * MiB)), Has.Count.EqualTo(1));
        Assert.That(AlarmsOf(new DiskRoom(1_000 * MiB, 10_000 * MiB), snapshotBytes: 600 * MiB), Has.Count.EqualTo(2), "a snapshot needs room beside the last one");
    }

    [Test]
    public void A_store_that_is_nearly_full_is_told_in_words()
    {
        Assert.That(AlarmsOf(null, Quota / 100 * 95), Has.Some.Contains("of the 4,096 MiB that the store may hold").And.Some.Contains("507"));
        Assert.That(AlarmsOf(null, Quota / 100 * 89), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_snapshot_that_soon_is_taken_by_nobody_is_told_in_words()
    {
        Assert.That(AlarmsOf(null, snapshotBytes: 12_288 * MiB), Has.Some.StartsWith("its snapshot has 12,288 MiB, and no member takes one of more than 16,384 MiB"));
        Assert.That(AlarmsOf(null, snapshotBytes: 12_287 * MiB), Has.Count.EqualTo(1));
    }

    [Test]
    public void The_room_of_a_directory_that_exists_is_known_and_of_none_is_not()
    {
        var room = new DiskSpace(Path.GetTempPath(), TimeProvider.System).Read();
        Assert.That(room!.Value.FreeBytes, Is.Positive.And.LessThanOrEqualTo(room.Value.TotalBytes));
        Assert.That(new DiskSpace(null, TimeProvider.System).Read(), Is.Null);
    }
}
