using Consensus.Fuzzing;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Wire;

/// <summary>Whatever arrives is read, or refused with <see cref="WireFormatException"/>; nothing else (raft-bugs 35).</summary>
public sealed class CodecFuzzTests
{
    [Test]
    public void Random_bytes_are_read_or_refused([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        for (var i = 0; i < 20_000; i++)
        {
            ReadAll(Mutator.Bytes(random, mostBytes: 39));
        }
    }

    [Test]
    public void Changed_messages_are_read_or_refused([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var refused = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = RaftCodecTests.Encode(Samples.Messages[(int)random.Next(Samples.Messages.Length)]);
            refused += ReadAll(Mutator.Change(bytes, random)) ? 0 : 1;
        }
        Assert.That(refused, Is.InRange(1000, 19_000), "the changes are neither harmless nor hopeless");
    }

    [Test]
    public void Changed_entries_are_read_or_refused([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        for (var i = 0; i < 20_000; i++)
        {
            var entry = Samples.Entries[(int)random.Next(Samples.Entries.Length)];
            ReadAll(Mutator.Change(RaftCodecTests.Encode(entry), random));
        }
    }

    [Test]
    public void What_is_read_is_written_the_same_again([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Mutator.Change(RaftCodecTests.Encode(Samples.Messages[(int)random.Next(Samples.Messages.Length)]), random);
            Message? message;
            try
            {
                message = RaftCodec.ReadMessage(bytes);
            }
            catch (WireFormatException)
            {
                continue;
            }
            if (message is not null)
            {
                Samples.AssertSame(RaftCodec.ReadMessage(RaftCodecTests.Encode(message))!, message);
            }
        }
    }

    /// <summary>A core that is given nonsense by a member does not fall over: it ignores it, or refuses to go on because the protocol itself is broken.</summary>
    [Test]
    public void Changed_messages_end_a_core_by_an_invariant_only([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        for (var i = 0; i < 2_000; i++)
        {
            var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1, 2));
            try
            {
                for (var step = 0; step < 20; step++)
                {
                    host.Step(Nonsense(random));
                    host.Tick((int)random.Next(Make.T / 2));
                }
            }
            catch (InvariantViolationException)
            {
                // Two leaders in a term, a committed entry cut off, a stamp that goes back: no member sends that.
            }
        }
    }

    private static Message Nonsense(DeterministicRandom random)
    {
        var from = Make.Id((int)random.Next(2, 4));
        var term = new Term(random.Next(1, 5));
        LogIndex Index() => new(random.Next(8));
        Term Term() => new(random.Next(5));
        var flag = random.Chance(1, 2);
        var to = Make.Id(1);
        return random.Next(12) switch
        {
            0 => new PreVoteRequest(from, to, term, Index(), Term(), flag),
            1 => new PreVoteResponse(from, to, term, flag) { Boot = random.Next(2) },
            2 => new VoteRequest(from, to, term, Index(), Term(), flag),
            3 => new VoteResponse(from, to, term, flag),
            4 => new AppendRequest(
                from, to, term, Index(), Term(), [Make.Entry(random.Next(8), random.Next(5)), Make.Entry(random.Next(8), random.Next(5))], Index(), default, random.Next(9)),
            5 => new AppendResponse(from, to, term, flag, Index(), Index(), Term(), random.Next(9)),
            6 => new HeartbeatRequest(from, to, term, Index(), default, random.Next(9)),
            7 => new HeartbeatResponse(from, to, term, random.Next(9)),
            8 => new InstallSnapshotRequest(from, to, term, Make.Mark(random.Next(8), random.Next(5), Make.Voters(3)), default),
            9 => new TimeoutNowRequest(from, to, term),
            10 => new ReadIndexRequest(from, to, term, random.Next(9)),
            _ => new ReadIndexResponse(from, to, term, random.Next(9), Index(), flag) { Boot = random.Next(2) },
        };
    }

    /// <summary>Gives the bytes to every reader; true when they are a message.</summary>
    private static bool ReadAll(byte[] bytes)
    {
        Read(bytes, b => RaftCodec.ReadEntry(b));
        Read(bytes, b => RaftCodec.ReadConfiguration(b));
        Read(bytes, b => RaftCodec.ReadSnapshotMark(b));
        return Read(bytes, b => RaftCodec.ReadMessage(b));
    }

    private static bool Read(byte[] bytes, Action<byte[]> read)
    {
        try
        {
            read(bytes);
            return true;
        }
        catch (WireFormatException)
        {
            return false;
        }
    }
}
