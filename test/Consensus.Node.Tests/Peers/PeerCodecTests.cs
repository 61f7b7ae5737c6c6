using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Google.Protobuf;

namespace Consensus.Node.Tests.Peers;

public sealed class PeerCodecTests
{
    private static readonly PeerMessage[] Messages =
    [
        new RaftPeerMessage(new HeartbeatRequest(new MemberId(1), new MemberId(2), new Term(3), new LogIndex(4), new ClusterTime(5), 6)),
        new ForwardCommands(new Term(7), 2, [
            new ForwardedCommand(3, "someone", 4, new byte[] { 1, 2, 3 }),
            new ForwardedCommand(long.MaxValue, "", 0, new byte[300]) { StandsInLine = true }]),
        new ForwardCommands(new Term(7), 2, [new ForwardedCommand(3, "", 0, new byte[] { 1 })]) { Lane = CommandLane.Urgent },
        new ForwardRefused(new Term(7), long.MaxValue, ForwardRefusal.Full, [0, 1, long.MaxValue]),
        new ForwardChange(
            new Term(7), 2, 3, new AddMember(new Member(new MemberId(long.MaxValue), "n4", "h:1"), AsVoter: true) { Principal = "ops" }),
        new ForwardChange(new Term(7), 2, 3, new PromoteMember(new MemberId(4), new MemberId(5))),
        new ForwardChange(new Term(7), 2, 3, new RemoveMember(new MemberId(4))),
        new ChangeRefused(new Term(7), 2, 3, new ChangeAnswer(ChangeVerdict.WouldLoseQuorum, "für n4")),
        new ForwardTransfer(new Term(7), 2, 3, new MemberId(long.MaxValue)),
        new ForwardTransfer(new Term(7), 2, 3, MemberId.None),
        new TransferRefused(new Term(7), long.MaxValue, 3, "für n4"),
        new TransferRefused(new Term(7), long.MaxValue, 3, ""),
    ];

    private static byte[] Encode(PeerMessage message)
    {
        var writer = new WireWriter();
        PeerCodec.Write(writer, message);
        return writer.ToArray();
    }

    [TestCaseSource(nameof(Messages))]
    public void Every_message_reads_back_to_the_same_bytes(PeerMessage message) =>
        Assert.That(Encode(PeerCodec.Read(Encode(message))!), Is.EqualTo(Encode(message)));

    [Test]
    public void Lane_of_commands_is_told([Values] CommandLane lane)
    {
        var forward = new ForwardCommands(new Term(7), 2, [new ForwardedCommand(3, "", 0, new byte[] { 1 })]) { Lane = lane };
        Assert.That(((ForwardCommands)PeerCodec.Read(Encode(forward))!).Lane, Is.EqualTo(lane));
    }

    /// <summary>Of a later version, say: there is no such lane here to queue them in.</summary>
    [Test]
    public void Commands_of_an_unknown_lane_are_small_ones([Values(3, 1_000, -1)] int lane)
    {
        var forward = new ForwardCommands(new Term(7), 2, [new ForwardedCommand(3, "", 0, new byte[] { 1 })]) { Lane = (CommandLane)lane };
        Assert.That(((ForwardCommands)PeerCodec.Read(Encode(forward))!).Lane, Is.EqualTo(CommandLane.Small));
    }

    [TestCaseSource(nameof(Messages))]
    public void Generated_code_reads_and_writes_the_same_bytes(PeerMessage message)
    {
        var bytes = Encode(message);
        var generated = V1.PeerFrame.Parser.ParseFrom(bytes);
        Assert.That(Encode(PeerCodec.Read(generated.ToByteArray())!), Is.EqualTo(bytes));
    }

    [Test]
    public void An_unknown_field_of_a_frame_is_passed_over()
    {
        var writer = new WireWriter();
        writer.Int64(15, 1);
        writer.Raw(Encode(Messages[3]));
        Assert.That(PeerCodec.Read(writer.Written), Is.InstanceOf<ForwardRefused>());
    }

    /// <summary>Closing the link would cost every other message on it too, again and again.</summary>
    [Test]
    public void A_reason_or_verdict_of_a_later_version_is_a_not_now_and_closes_no_link([Values(0, 13, 1_000_000, -1)] int number)
    {
        Assert.That(Read<ForwardRefused>(3, 3, number).Reason, Is.EqualTo(ForwardRefusal.Transferring));
        Assert.That(Read<ChangeRefused>(5, 4, number).Answer.Verdict, Is.EqualTo(ChangeVerdict.NotReady));

        static T Read<T>(int message, int field, long value)
        {
            var writer = new WireWriter();
            var start = writer.BeginMessage(message);
            writer.Int64(1, 7);
            writer.Int64Always(field, value);
            writer.EndMessage(start);
            return (T)(object)PeerCodec.Read(writer.Written)!;
        }
    }

    [Test]
    public void A_kind_of_membership_change_of_a_later_version_is_passed_over()
    {
        var writer = new WireWriter();
        var start = writer.BeginMessage(4);
        writer.Int64(1, 7);
        var inner = writer.BeginMessage(99);
        writer.Int64(1, 7);
        writer.EndMessage(inner);
        writer.EndMessage(start);
        Assert.That(PeerCodec.Read(writer.Written), Is.Null);
    }

    [Test]
    public void Damaged_frames_are_refused_and_nothing_worse([Values(1, 2, 3)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Encode(Messages[random.Next(Messages.Length)]);
            for (var flips = random.Next(1, 6); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.NextUInt64();
            }
            try
            {
                PeerCodec.Read(bytes.AsSpan(0, (int)random.Next(bytes.Length + 1)));
            }
            catch (WireFormatException)
            {
                // The link closes.
            }
        }
        Assert.Pass();
    }
}
