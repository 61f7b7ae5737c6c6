using Consensus.Fuzzing;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Node.Tests.Fuzzing;

/// <summary>Bodies of peer frames, as a member with another version or a broken one might send them (raft-bugs 35).</summary>
public sealed class PeerFrameFuzzTests
{
    /// <summary>Bytes that reading one byte may cost: an entry or a command takes at least two bytes and becomes an object in a list.</summary>
    private const long AllocationFactor = 160;

    private static readonly byte[][] Frames = [.. Messages().Select(Encode)];

    [Test]
    public void Frames_are_read_or_refused_in_bounded_memory([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var (read, rounds) = (0, Mutator.Rounds(20_000));
        for (var round = rounds; round > 0; round--)
        {
            var bytes = random.Chance(1, 10) ? Mutator.Bytes(random, 300) : Mutator.Change(Frames[random.Next(Frames.Length)], random);
            PeerMessage? message = null;
            var allocated = Mutator.AllocatedBy(() => message = ReadOrRefuse(bytes));
            Assert.That(allocated, Is.LessThan((AllocationFactor * bytes.Length) + 16_384), "memory for a frame");
            if (message is not null)
            {
                read++;
                var again = Encode(message);
                Assert.That(Encode(PeerCodec.Read(again)!), Is.EqualTo(again), "what was read is written and read the same");
            }
        }
        Assert.That(read, Is.InRange(rounds / 20, rounds * 19 / 20), "the changes are neither harmless nor hopeless");
    }

    /// <summary>The smallest elements that a list can hold, many of them: the length of the frame still bounds what they cost.</summary>
    [TestCase(2, 2)]
    [TestCase(3, 3)]
    public void Many_tiny_elements_cost_memory_in_proportion(int messageField, int elementField)
    {
        var writer = new WireWriter();
        var start = writer.BeginMessage(messageField);
        for (var i = 0; i < 100_000; i++)
        {
            if (messageField == 2)
            {
                writer.EndMessage(writer.BeginMessage(elementField));
            }
            else
            {
                writer.Int64Always(elementField, 0);
            }
        }
        writer.EndMessage(start);
        var bytes = writer.ToArray();
        var allocated = Mutator.AllocatedBy(() => ReadOrRefuse(bytes));
        Assert.That(allocated, Is.LessThan(AllocationFactor * bytes.Length));
    }

    private static IEnumerable<PeerMessage> Messages()
    {
        var (one, two, term) = (new MemberId(1), new MemberId(2), new Term(3));
        Message[] raft =
        [
            new PreVoteRequest(one, two, term, new LogIndex(9), new Term(2), true),
            new VoteResponse(two, one, term, true),
            new AppendRequest(one, two, term, new LogIndex(9), new Term(2), [.. Enumerable.Range(10, 5).Select(i => EntryAt(i))], new LogIndex(8), new ClusterTime(7), 6),
            new AppendResponse(two, one, term, false, new LogIndex(9), new LogIndex(4), new Term(1), 5),
            new InstallSnapshotRequest(
                one,
                two,
                term,
                new SnapshotMark(new LogIndex(9), new Term(2), new ClusterTime(5), Configuration.OfVoters([new Member(one, "n1", "a:1"), new Member(two, "n2", "b:2")])),
                new ClusterTime(7)),
            new ReadIndexRequest(two, one, term, long.MaxValue),
        ];
        foreach (var message in raft)
        {
            yield return new RaftPeerMessage(message);
        }
        yield return new ForwardCommands(new Term(7), 2, [
            new ForwardedCommand(3, "someone", 0, new byte[] { 1, 2, 3 }),
            new ForwardedCommand(long.MaxValue, "", 0, new byte[300])]);
        yield return new ForwardRefused(new Term(7), long.MaxValue, ForwardRefusal.Full, [0, 1, long.MaxValue]);
        yield return new ForwardTransfer(new Term(7), 2, 3, two);
        yield return new TransferRefused(new Term(7), 2, 3, "n2 is not reachable from the leader");
    }

    private static Entry EntryAt(long index) => new()
    {
        Term = new Term(2),
        Index = new LogIndex(index),
        Kind = EntryKind.Command,
        Stamp = new ClusterTime(index),
        Request = new RequestId(new MemberId(1), 2, index),
        Payload = new byte[20],
    };

    private static PeerMessage? ReadOrRefuse(byte[] bytes)
    {
        try
        {
            return PeerCodec.Read(bytes);
        }
        catch (WireFormatException)
        {
            return null;
        }
    }

    private static byte[] Encode(PeerMessage message)
    {
        var writer = new WireWriter();
        PeerCodec.Write(writer, message);
        return writer.ToArray();
    }
}
