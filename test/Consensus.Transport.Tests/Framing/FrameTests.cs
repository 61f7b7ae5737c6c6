using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Framing;

public sealed class FrameTests
{
    private const int MaxFrame = 1 << 20;

    [Test]
    public void Frames_come_out_whole_however_the_bytes_are_cut()
    {
        var random = new DeterministicRandom(7);
        for (var round = 0; round < 200; round++)
        {
            var bodies = Enumerable.Range(0, 12).Select(_ => RandomBody(random, random.Chance(1, 6) ? 200_000 : 300)).ToList();
            var wire = bodies.SelectMany(body => RawPeer.Frame(FrameFormat.LinkMagic, body)).ToArray();
            var buffer = new ReceiveBuffer(MaxFrame);
            var taken = new List<byte[]>();
            for (var at = 0; at < wire.Length;)
            {
                Assert.That(buffer.Free.Length, Is.Positive);
                var count = (int)Math.Min(1 + random.Next(random.Chance(1, 2) ? 20 : 100_000), Math.Min(buffer.Free.Length, wire.Length - at));
                wire.AsSpan(at, count).CopyTo(buffer.Free);
                buffer.Added(count);
                at += count;
                while (buffer.TryTakeFrame(out var frame))
                {
                    taken.Add(frame.ToArray());
                }
            }
            Assert.That(taken, Is.EqualTo(bodies));
        }
    }

    [Test]
    public void A_flipped_bit_never_yields_another_frame()
    {
        var body = RandomBody(new DeterministicRandom(3), 40);
        var wire = RawPeer.Frame(FrameFormat.LinkMagic, body);
        for (var bit = 0; bit < wire.Length * 8; bit++)
        {
            var damaged = wire.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(FirstFrame(damaged), Is.Null, $"bit {bit}");
        }
        Assert.That(FirstFrame(wire), Is.EqualTo(body));
    }

    [Test]
    public void Zeros_after_a_magic_are_no_frame() =>
        Assert.That(FirstFrame([.. BitConverter.GetBytes(FrameFormat.LinkMagic), 0, 0, 0, 0, 0, 0, 0, 0]), Is.Null);

    [Test]
    public void A_length_above_the_largest_is_refused_before_any_memory_is_taken_for_it()
    {
        var buffer = new ReceiveBuffer(MaxFrame);
        var before = buffer.Capacity;
        byte[] header = [.. BitConverter.GetBytes(FrameFormat.LinkMagic), .. BitConverter.GetBytes(0xFFFFFFFFu), 0, 0, 0, 0];
        header.CopyTo(buffer.Free);
        buffer.Added(header.Length);
        Assert.That(() => buffer.TryTakeFrame(out _), Throws.TypeOf<WireFormatException>());
        Assert.That(buffer.Capacity, Is.EqualTo(before));
    }

    [Test]
    public void A_declared_length_takes_no_memory_before_its_bytes_come()
    {
        var buffer = new ReceiveBuffer(16 << 20);
        var usual = buffer.Capacity;
        var wire = RawPeer.Frame(FrameFormat.LinkMagic, new byte[16 << 20]);
        var came = 0;
        for (var taken = false; !taken;)
        {
            // As much as fits, then little by little: the array follows either way.
            var count = Math.Min(buffer.Free.Length, came < 1 << 20 ? 5_000 : 300_000);
            wire.AsSpan(came, Math.Min(count, wire.Length - came)).CopyTo(buffer.Free);
            buffer.Added(Math.Min(count, wire.Length - came));
            came = Math.Min(came + count, wire.Length);
            taken = buffer.TryTakeFrame(out _);
            Assert.That(buffer.Capacity, Is.LessThanOrEqualTo(Math.Max(usual, 4L * came)));
        }
        Assert.That(came, Is.EqualTo(wire.Length));
    }

    [Test]
    public void Random_bytes_are_no_frames()
    {
        var random = new DeterministicRandom(11);
        for (var round = 0; round < 2000; round++)
        {
            var bytes = RandomBody(random, 100);
            Assert.That(FirstFrame(bytes), Is.Null);
        }
    }

    [Test]
    public void The_buffer_gives_the_memory_of_a_huge_frame_back()
    {
        var buffer = new ReceiveBuffer(16 << 20);
        var usual = buffer.Capacity;
        var wire = RawPeer.Frame(FrameFormat.LinkMagic, new byte[16 << 20]);
        var taken = 0;
        for (var at = 0; at < wire.Length;)
        {
            var count = Math.Min(buffer.Free.Length, wire.Length - at);
            wire.AsSpan(at, count).CopyTo(buffer.Free);
            buffer.Added(count);
            at += count;
            while (buffer.TryTakeFrame(out var frame))
            {
                taken += frame.Length;
            }
        }
        Assert.That(taken, Is.EqualTo(16 << 20));
        Assert.That(buffer.Capacity, Is.EqualTo(usual));
    }

    private static byte[]? FirstFrame(byte[] wire)
    {
        var buffer = new ReceiveBuffer(MaxFrame);
        wire.CopyTo(buffer.Free);
        buffer.Added(wire.Length);
        try
        {
            return buffer.TryTakeFrame(out var frame) ? frame.ToArray() : null;
        }
        catch (WireFormatException)
        {
            return null;
        }
    }

    private static byte[] RandomBody(DeterministicRandom random, int maxLength)
    {
        var body = new byte[random.Next(maxLength + 1)];
        for (var i = 0; i < body.Length; i++)
        {
            body[i] = (byte)random.Next(256);
        }
        return body;
    }
}
