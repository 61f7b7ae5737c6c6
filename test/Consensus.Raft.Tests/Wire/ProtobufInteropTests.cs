using Consensus.Primitives.Wire;
using Consensus.Raft.Wire;
using Google.Protobuf;

namespace Consensus.Raft.Tests.Wire;

/// <summary>The hand-written codec and code generated from raft.proto read each other's bytes.</summary>
public sealed class ProtobufInteropTests
{
    private static IEnumerable<int> EntryNumbers => Enumerable.Range(0, Samples.Entries.Length);

    private static IEnumerable<int> MessageNumbers => Enumerable.Range(0, Samples.Messages.Length);

    [TestCaseSource(nameof(EntryNumbers))]
    public void Generated_code_reads_and_writes_entries_as_the_codec_does(int number)
    {
        var entry = Samples.Entries[number];
        var bytes = RaftCodecTests.Encode(entry);
        var parsed = V1.Entry.Parser.ParseFrom(bytes);
        Assert.Multiple(() =>
        {
            Assert.That(parsed.Term, Is.EqualTo(entry.Term.Value));
            Assert.That(parsed.Index, Is.EqualTo(entry.Index.Value));
            Assert.That((int)parsed.Kind, Is.EqualTo((int)entry.Kind));
            Assert.That(parsed.StampMicros, Is.EqualTo(entry.Stamp.Micros));
            Assert.That((long)(parsed.Request?.Member ?? 0), Is.EqualTo(entry.Request.Member.Value));
            Assert.That((long)(parsed.Request?.Boot ?? 0), Is.EqualTo(entry.Request.Boot));
            Assert.That(parsed.Request?.Sequence ?? 0, Is.EqualTo(entry.Request.Sequence));
            Assert.That(parsed.Principal, Is.EqualTo(entry.Principal));
            Assert.That(parsed.FeatureLevel, Is.EqualTo(entry.FeatureLevel));
            Assert.That(parsed.Payload.ToByteArray(), Is.EqualTo(entry.Payload.ToArray()));
        });
        Samples.AssertSame(RaftCodec.ReadEntry(parsed.ToByteArray()), entry);
    }

    [TestCaseSource(nameof(MessageNumbers))]
    public void Generated_code_reads_and_writes_messages_as_the_codec_does(int number)
    {
        var message = Samples.Messages[number];
        var parsed = V1.RaftMessage.Parser.ParseFrom(RaftCodecTests.Encode(message));
        Assert.That(parsed.BodyCase.ToString(), Is.EqualTo(message.GetType().Name));
        // The generated classes keep what they do not know; with that dropped, every field must be one that the .proto file names.
        parsed = V1.RaftMessage.Parser.WithDiscardUnknownFields(true).ParseFrom(parsed.ToByteArray());
        Samples.AssertSame(RaftCodec.ReadMessage(parsed.ToByteArray())!, message);
    }

    [Test]
    public void Fields_have_the_meaning_that_the_proto_file_gives_them()
    {
        var append = Parse(4).AppendRequest;
        var expected = (AppendRequest)Samples.Messages[4];
        var response = Parse(5).AppendResponse;
        var preVote = Parse(0).PreVoteRequest;
        var vote = Parse(2).VoteRequest;
        var heartbeat = Parse(6).HeartbeatRequest;
        var install = Parse(8).InstallSnapshotRequest;
        var read = Parse(11).ReadIndexResponse;
        Assert.Multiple(() =>
        {
            Assert.That((append.From, append.To, append.Term), Is.EqualTo(((ulong)expected.From.Value, (ulong)expected.To.Value, 7L)));
            Assert.That((append.PreviousIndex, append.PreviousTerm, append.Entries.Count), Is.EqualTo((300L, 6L, expected.Entries.Count)));
            Assert.That((append.Commit, append.ClockMicros, append.ReadRound), Is.EqualTo((299L, 123L, 44L)));
            Assert.That((response.Success, response.MatchIndex, response.HintIndex, response.HintTerm, response.ReadRound), Is.EqualTo((true, 300L, 200L, 5L, 44L)));
            Assert.That((preVote.LastIndex, preVote.LastTerm, preVote.LeaderGone), Is.EqualTo((300L, 6L, true)));
            Assert.That((vote.LastIndex, vote.LastTerm, vote.Disruptive), Is.EqualTo((300L, 6L, true)));
            Assert.That((heartbeat.Commit, heartbeat.ClockMicros, heartbeat.ReadRound), Is.EqualTo((299L, 123L, 44L)));
            Assert.That((heartbeat.SentMicros, heartbeat.RoundTripMicros), Is.EqualTo((55L, 66L)));
            Assert.That((install.Mark.LastIndex, install.Mark.LastTerm, install.Mark.StampMicros, install.ClockMicros), Is.EqualTo((long.MaxValue, 12L, 1_000_000L, 123L)));
            Assert.That((read.Context, read.Index, read.Refused), Is.EqualTo((9L, 300L, true)));
            Assert.That(Parse(1).PreVoteResponse.Granted, Is.True);
            Assert.That(Parse(3).VoteResponse.Granted, Is.True);
            Assert.That((Parse(7).HeartbeatResponse.ReadRound, Parse(7).HeartbeatResponse.SentMicros), Is.EqualTo((44L, 55L)));
            Assert.That(Parse(10).ReadIndexRequest.Context, Is.EqualTo(-9));
        });
    }

    [Test]
    public void Generated_code_reads_and_writes_configurations_as_the_codec_does()
    {
        var writer = new WireWriter();
        RaftCodec.WriteConfiguration(writer, Samples.Configuration);
        var parsed = V1.Configuration.Parser.ParseFrom(writer.ToArray());
        Assert.Multiple(() =>
        {
            Assert.That(parsed.Members.Select(m => (m.Id, m.Name, m.PeerAddress)), Is.EqualTo(
                Samples.Configuration.Members.Select(m => ((ulong)m.Id.Value, m.Name, m.PeerAddress))));
            Assert.That(parsed.Voters, Is.EqualTo(new ulong[] { 1, 2, 3 }));
            Assert.That(parsed.OutgoingVoters, Is.EqualTo(new ulong[] { 3, 4 }));
            Assert.That(parsed.Learners, Is.EqualTo(new ulong[] { 7 }));
            Assert.That(parsed.Removed, Is.EqualTo(new ulong[] { 9, 5 }));
        });
        Assert.That(parsed.ToByteArray(), Is.EqualTo(writer.ToArray()));
        Samples.AssertSame(RaftCodec.ReadConfiguration(parsed.ToByteArray()), Samples.Configuration);
    }

    private static V1.RaftMessage Parse(int number) => V1.RaftMessage.Parser.ParseFrom(RaftCodecTests.Encode(Samples.Messages[number]));
}
