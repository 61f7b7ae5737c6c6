using Consensus.Fuzzing;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Snapshots;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Fuzzing;

/// <summary>Whatever comes over a peer connection is read, or refused with <see cref="WireFormatException"/>, within memory that its own length bounds (raft-bugs 35).</summary>
public sealed class PeerBytesFuzzTests
{
    private const int MaxFrame = 256 << 10;

    /// <summary>Bytes that reading one byte may cost: an empty nested message of two bytes becomes an object.</summary>
    private const long AllocationFactor = 64;

    private static readonly byte[][] Handshakes =
    [
        Encode(new Hello(
            Identities.OnWire(Identities.Formed("n1", incarnation: -5), boot: long.MaxValue),
            Purpose.Meet,
            "n2",
            "n1=127.0.0.1:1,n2=127.0.0.1:2",
            [new KnownMember("n1", new MemberId(4)), new KnownMember("n2", new MemberId(long.MaxValue))])),
        Encode(Identities.HelloTo("n2", Identities.Unformed("n1", incarnation: 0), Purpose.Meet)),
        Encode(Identities.HelloTo("", Identities.Unformed("n4"), Purpose.Join)),
        Encode(new Welcome(Identities.OnWire(Identities.Formed("n3")), [new KnownMember("n1", new MemberId(4), "a.example:1")])),
        Encode(new Refusal(RefusalCode.WrongName, "One sentence.", new ClusterId(8), "n3")),
    ];

    /// <summary>A stream of frames, changed anywhere and cut anyhow: what comes out is what went in, up to the first change, and never anything else.</summary>
    [Test]
    public void Changed_streams_of_frames_give_true_frames_and_then_nothing([Range(1, 8)] int seed)
    {
        var random = Mutator.Random(seed);
        var refused = 0;
        for (var round = Mutator.Rounds(300); round > 0; round--)
        {
            List<byte[]> bodies = [.. Enumerable.Range(0, (int)random.Next(1, 8)).Select(_ => Mutator.Bytes(random, random.Chance(1, 8) ? MaxFrame : 400))];
            var wire = Mutator.Change([.. bodies.SelectMany(body => RawPeer.Frame(FrameFormat.LinkMagic, body))], random);
            var taken = new List<byte[]>();
            var largest = 0;
            try
            {
                Feed(wire, random, taken, ref largest);
            }
            catch (WireFormatException)
            {
                refused++;
            }
            // A whole frame may be repeated or dropped by a change that fits it exactly; none can be made up.
            Assert.That(taken.Where(t => !bodies.Any(b => b.AsSpan().SequenceEqual(t))), Is.Empty);
            Assert.That(largest, Is.LessThanOrEqualTo(MaxFrame + FrameFormat.HeaderSize), "the buffer never grows past the largest frame");
        }
        Assert.That(refused, Is.Positive, "the changes are not harmless");
    }

    [Test]
    public void Handshakes_are_read_or_refused_in_bounded_memory([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        var read = 0;
        var rounds = Mutator.Rounds(20_000);
        for (var round = rounds; round > 0; round--)
        {
            var bytes = random.Chance(1, 10) ? Mutator.Bytes(random, 200) : Mutator.Change(Handshakes[random.Next(Handshakes.Length)], random);
            HandshakeMessage? message = null;
            var allocated = Mutator.AllocatedBy(() => message = Refused(() => HandshakeCodec.Read(bytes)));
            Assert.That(allocated, Is.LessThan((AllocationFactor * bytes.Length) + 16_384), "memory for a handshake");
            if (message is not null)
            {
                read++;
                Assert.That(() => HandshakeCodec.Read(Encode(message)), Throws.Nothing, "what was read can be written and read again");
            }
        }
        Assert.That(read, Is.InRange(rounds / 100, rounds), "some changes are harmless");
    }

    [Test]
    public void Parts_of_a_snapshot_transfer_are_read_or_refused([Range(1, 4)] int seed)
    {
        var random = Mutator.Random(seed);
        byte[][] parts =
        [
            SnapshotParts.Start(new byte[40], 1 << 30),
            SnapshotParts.End(0xDEADBEEF),
            SnapshotParts.Answer(new SnapshotAnswer.Go(1 << 20)),
            SnapshotParts.Answer(new SnapshotAnswer.No(new SnapshotRejection(SnapshotRefusal.NoRoom, "its disk is full"))),
        ];
        for (var round = Mutator.Rounds(20_000); round > 0; round--)
        {
            var body = Mutator.Change(parts[random.Next(parts.Length)].AsSpan(FrameFormat.HeaderSize), random);
            Refused<object>(() => SnapshotParts.ReadStart(body));
            Refused<object>(() => SnapshotParts.ReadEnd(body));
            Refused<object>(() => SnapshotParts.ReadAnswer(body));
        }
    }

    private static void Feed(byte[] wire, DeterministicRandom random, List<byte[]> taken, ref int largest)
    {
        var buffer = new ReceiveBuffer(MaxFrame);
        for (var at = 0; at < wire.Length;)
        {
            var count = (int)Math.Min(1 + random.Next(random.Chance(1, 2) ? 20 : 100_000), Math.Min(buffer.Free.Length, wire.Length - at));
            wire.AsSpan(at, count).CopyTo(buffer.Free);
            buffer.Added(count);
            at += count;
            while (buffer.TryTakeFrame(out var frame))
            {
                taken.Add(frame.ToArray());
            }
            largest = Math.Max(largest, buffer.Capacity);
        }
    }

    private static T? Refused<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (WireFormatException)
        {
            return null;
        }
    }

    private static byte[] Encode(HandshakeMessage message)
    {
        var writer = new WireWriter();
        HandshakeCodec.Write(writer, message);
        return writer.ToArray();
    }
}
