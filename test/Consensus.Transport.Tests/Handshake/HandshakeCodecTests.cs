using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Handshake;

public sealed class HandshakeCodecTests
{
    private static readonly Hello FullHello = new(
        Identities.OnWire(Identities.Formed("n1", incarnation: -5), boot: long.MaxValue),
        Purpose.Meet,
        "n2",
        "n1=127.0.0.1:1,n2=127.0.0.1:2",
        [new KnownMember("n1", new MemberId(4)), new KnownMember("n2", new MemberId(long.MaxValue))]);

    [Test]
    public void A_hello_survives_the_wire()
    {
        var read = (Hello)HandshakeCodec.Read(Bytes(FullHello));
        AssertSame(read.Identity, FullHello.Identity);
        Assert.That(read.Known, Is.EqualTo(FullHello.Known));
        Assert.That((read.Purpose, read.Wanted, read.InitialCluster), Is.EqualTo((FullHello.Purpose, FullHello.Wanted, FullHello.InitialCluster)));
    }

    [Test]
    public void A_hello_says_whether_it_renews_a_link([Values] bool renews)
    {
        var hello = Identities.HelloTo("n2", FullHello.Identity) with { Renews = renews };
        Assert.That(((Hello)HandshakeCodec.Read(Bytes(hello))).Renews, Is.EqualTo(renews));
    }

    [Test]
    public void An_unformed_hello_survives_the_wire()
    {
        var hello = Identities.HelloTo("n2", Identities.Unformed("n1", incarnation: 0), Purpose.Meet);
        var read = (Hello)HandshakeCodec.Read(Bytes(hello));
        AssertSame(read.Identity, hello.Identity);
        Assert.That(read.Identity.IsFormed, Is.False);
    }

    [Test]
    public void A_welcome_survives_the_wire()
    {
        var welcome = new Welcome(FullHello.Identity, FullHello.Known);
        var read = (Welcome)HandshakeCodec.Read(Bytes(welcome));
        AssertSame(read.Identity, welcome.Identity);
        Assert.That(read.Known, Is.EqualTo(welcome.Known));
    }

    [Test]
    public void A_joiners_hello_names_nobody_and_survives_the_wire()
    {
        var read = (Hello)HandshakeCodec.Read(Bytes(Identities.HelloTo("", Identities.Unformed("n4"), Purpose.Join)));
        Assert.That((read.Purpose, read.Wanted), Is.EqualTo((Purpose.Join, "")));
    }

    [TestCase("n1", 4)]
    [TestCase("", 1)]
    [TestCase("n1", 5)]
    public void A_hello_whose_purpose_is_unknown_or_does_not_fit_is_refused(string wanted, int purpose) =>
        Assert.That(
            () => HandshakeCodec.Read(Bytes(Identities.HelloTo(wanted, Identities.Unformed("n4"), (Purpose)purpose))),
            Throws.TypeOf<WireFormatException>());

    [Test]
    public void Members_addresses_survive_the_wire()
    {
        KnownMember[] known = [new("n1", new MemberId(4), "a.example:1"), new("n2", new MemberId(5))];
        Assert.That(((Welcome)HandshakeCodec.Read(Bytes(new Welcome(FullHello.Identity, known)))).Known, Is.EqualTo(known));
    }

    [Test]
    public void A_refusal_survives_the_wire()
    {
        var refusal = new Refusal(RefusalCode.DirectoryReplaced, "One sentence.", new ClusterId(8), "n3");
        Assert.That(HandshakeCodec.Read(Bytes(refusal)), Is.EqualTo(refusal));
    }

    [Test]
    public void A_refusal_code_of_a_later_version_means_try_again()
    {
        var read = (Refusal)HandshakeCodec.Read(Bytes(new Refusal((RefusalCode)99, "New.", ClusterId.None, "n3")));
        Assert.That(read.IsTransient, Is.True);
    }

    [Test]
    public void Unknown_fields_are_ignored()
    {
        var writer = new WireWriter();
        var hello = writer.BeginMessage(1);
        writer.Int64(99, 5);
        var identity = writer.BeginMessage(1);
        writer.Int64(1, 2);
        writer.Bytes(2, FullHello.Identity.TokenDigest.Span);
        writer.String(5, "n1");
        writer.String(77, "news");
        writer.EndMessage(identity);
        writer.Int64(2, 1);
        writer.String(3, "n2");
        writer.Fixed64(50, 1);
        writer.EndMessage(hello);
        writer.String(60, "more news");
        var read = (Hello)HandshakeCodec.Read(writer.Written);
        Assert.That((read.Identity.Name, read.Wanted, read.Purpose), Is.EqualTo(("n1", "n2", Purpose.Link)));
    }

    [TestCase("evil\nname")]
    [TestCase("näme")]
    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("0123456789012345678901234567890123456789012345678901234567890123")]
    public void A_name_out_of_shape_is_refused(string name)
    {
        var hello = Identities.HelloTo("n2", Identities.Unformed(name));
        Assert.That(() => HandshakeCodec.Read(Bytes(hello)), Throws.TypeOf<WireFormatException>());
    }

    [Test]
    public void Text_that_could_forge_log_lines_is_refused()
    {
        var refusal = new Refusal(RefusalCode.NotReady, "one\nERROR two", ClusterId.None, "n1");
        Assert.That(() => HandshakeCodec.Read(Bytes(refusal)), Throws.TypeOf<WireFormatException>());
    }

    [Test]
    public void An_identity_that_is_half_formed_is_refused()
    {
        var half = FullHello.Identity with { Member = MemberId.None };
        Assert.That(() => HandshakeCodec.Read(Bytes(FullHello with { Identity = half })), Throws.TypeOf<WireFormatException>());
    }

    [Test]
    public void Any_damaged_message_is_refused_in_one_way_only()
    {
        var random = new DeterministicRandom(5);
        byte[][] originals =
        [
            Bytes(FullHello),
            Bytes(new Welcome(FullHello.Identity, [.. FullHello.Known, new KnownMember("n3", new MemberId(9), "a.example:1")])),
            Bytes(Identities.HelloTo("", Identities.Unformed("n4"), Purpose.Join)),
            Bytes(new Refusal(RefusalCode.WrongName, "One sentence.", new ClusterId(8), "n3")),
        ];
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = originals[random.Next(originals.Length)].ToArray();
            for (var change = 0; change <= random.Next(3); change++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            var cut = bytes.AsSpan(0, (int)random.Next(bytes.Length + 1)).ToArray();
            Assert.That(ReadsOrRefuses(cut), Is.True);
        }
    }

    [Test]
    public void A_message_above_the_bound_cannot_be_made()
    {
        var huge = FullHello with { InitialCluster = new string('x', FrameFormat.MaxHandshakeBytes) };
        Assert.That(() => HandshakeChannel.Encode(huge), Throws.TypeOf<WireFormatException>());
    }

    private static bool ReadsOrRefuses(byte[] bytes)
    {
        try
        {
            return HandshakeCodec.Read(bytes) is not null;
        }
        catch (WireFormatException)
        {
            return true;
        }
    }

    private static byte[] Bytes(HandshakeMessage message)
    {
        var writer = new WireWriter();
        HandshakeCodec.Write(writer, message);
        return writer.ToArray();
    }

    private static void AssertSame(PeerIdentity actual, PeerIdentity expected)
    {
        Assert.That(actual.TokenDigest.ToArray(), Is.EqualTo(expected.TokenDigest.ToArray()));
        Assert.That(actual with { TokenDigest = default }, Is.EqualTo(expected with { TokenDigest = default }));
    }
}
