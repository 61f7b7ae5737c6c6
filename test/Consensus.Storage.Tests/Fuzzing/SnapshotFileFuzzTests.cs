using Consensus.Fuzzing;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Fuzzing;

/// <summary>Snapshot files of a real state, changed in any way: refused, or restored to exactly the state that was saved.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class SnapshotFileFuzzTests(bool isSealed)
{
    private StorageOptions Options { get; } = isSealed ? OpenMember.Sealed() : OpenMember.SmallSegments;

    private static readonly Raft.SnapshotMark Mark = Make.Mark(500, 3);

    [Test]
    public void A_changed_file_is_refused_or_restores_the_same_state([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: Options);
        var state = StateOf(random);
        member.Snapshots.Save(Mark, sink => SnapshotWriter.Write(state.TakeView(), sink));
        var path = OpenMember.SnapshotPath(Mark);
        var whole = disk.Contents(path);
        var (refused, most) = (0, 0L);
        var rounds = Mutator.Rounds(600);
        for (var round = rounds; round > 0; round--)
        {
            disk.Replace(path, Mutator.Change(whole, random));
            ReplicatedState? restored = null;
            most = Math.Max(most, Mutator.AllocatedBy(() => restored = RestoreOrRefuse(member.Snapshots)));
            if (restored is null)
            {
                refused++;
                continue;
            }
            Assert.That(restored.Hash, Is.EqualTo(state.Hash));
            Assert.That(Bytes(restored), Is.EqualTo(Bytes(state)));
        }
        Assert.That(refused, Is.GreaterThan(rounds * 9 / 10));
        Assert.That(most, Is.LessThan((100L * whole.Length) + (4 << 20)), "no length in the file is believed beyond what the file holds");
    }

    /// <summary>The same on its way from the leader: the file gets its name only when it is the very one that was sent.</summary>
    [Test]
    public void A_changed_file_is_not_received([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var disk = new SimulatedDisk(1);
        using var member = OpenMember.Start(disk, options: Options);
        var state = StateOf(random);
        member.Snapshots.Save(Mark, sink => SnapshotWriter.Write(state.TakeView(), sink));
        var path = OpenMember.SnapshotPath(Mark);
        var sent = new MemoryStream();
        using (var raw = member.Snapshots.OpenRaw(Mark))
        {
            raw.CopyTo(sent);
        }
        var whole = sent.ToArray();
        disk.Delete(path);
        for (var round = Mutator.Rounds(600); round > 0; round--)
        {
            var changed = Mutator.Change(whole, random);
            if (changed.Length == 0 || changed.AsSpan().SequenceEqual(whole))
            {
                continue;
            }
            using (var incoming = member.Snapshots.Receive(Mark, changed.Length))
            {
                incoming.Write(changed);
                Assert.That(incoming.Complete, Throws.TypeOf<WireFormatException>());
            }
            Assert.That(disk.List(OpenMember.Root + "/snap"), Is.Empty, "what was refused is gone");
        }
    }

    private static ReplicatedState StateOf(DeterministicRandom random)
    {
        var applied = new AppliedState();
        for (var i = 1; i <= 300; i++)
        {
            var key = Key.FromText($"k{random.Next(60)}");
            var lease = new LeaseId(random.Next(1, 40));
            Command command = random.Next(5) switch
            {
                0 => new GrantLeaseCommand(lease, 60_000_000),
                1 => new AcquireCommand(key, "owner", 60_000_000, new LeaseId(1000 + i), LeaseId.None, 90_000_000),
                2 => new AnnounceMemberCommand(new MemberId(random.Next(1, 4)), "n", i, "u", "p", "v", 0),
                _ => new PutCommand(key, Mutator.Bytes(random, 100), LeaseId.None, KeyCondition.None),
            };
            applied.Do(command, $"id{i}", stampMicros: i * 1000L);
        }
        return applied.State;
    }

    private static ReplicatedState? RestoreOrRefuse(ISnapshotStore store)
    {
        try
        {
            using var reader = store.Open(Mark);
            return ReplicatedState.Restore(Limits.Default, reader);
        }
        catch (Exception e) when (e is StorageRefusedException or WireFormatException)
        {
            return null;
        }
    }

    private static byte[] Bytes(ReplicatedState state)
    {
        var sink = new MemorySink();
        SnapshotWriter.Write(state.TakeView(), sink);
        return [.. sink.Bytes];
    }

    private sealed class MemorySink : ISnapshotSink
    {
        public List<byte> Bytes { get; } = [];

        public void Section(int kind, ReadOnlySpan<byte> body)
        {
            Bytes.Add((byte)kind);
            Bytes.AddRange(body);
        }
    }
}
