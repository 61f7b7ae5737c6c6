using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Wire;

/// <summary>One of everything that has a wire format, with every field set and with every field at its default.</summary>
internal static class Samples
{
    private static readonly MemberId From = new(0x7EDC_BA98_7654_3210);
    private static readonly MemberId To = new(0x0123_4567_89AB_CDEF);

    public static readonly Configuration Configuration = Make.Configured([1, 2, 3], outgoing: [3, 4], learners: [7]) with
    {
        Removed = [Make.Id(9), Make.Id(5)],
    };

    public static readonly SnapshotMark Mark = Make.Mark(long.MaxValue, 12, Configuration, stamp: 1_000_000);

    public static ImmutableArray<Entry> Entries { get; } =
    [
        new Entry
        {
            Term = new Term(9),
            Index = new LogIndex(1L << 40),
            Kind = EntryKind.Command,
            Stamp = new ClusterTime(long.MaxValue),
            Request = new RequestId(From, -5, 77),
            Principal = "jürgen",
            FeatureLevel = 3,
            Payload = new byte[] { 0, 1, 2, 255 },
        },
        Make.Entry(0, 0, EntryKind.NoOp),
        Make.Entry(5, 4, EntryKind.Time, stamp: 3),
        Make.ConfigurationEntry(6, 4, Configuration),
        Make.Entry(7, 4, payload: new byte[300]),
    ];

    public static ImmutableArray<Message> Messages { get; } =
    [
        new PreVoteRequest(From, To, new Term(7), new LogIndex(300), new Term(6), true) { Boot = 0x0102030405060708 },
        new PreVoteResponse(From, To, new Term(7), true) { Boot = long.MaxValue },
        new VoteRequest(From, To, new Term(7), new LogIndex(300), new Term(6), true),
        new VoteResponse(From, To, new Term(7), true),
        new AppendRequest(From, To, new Term(7), new LogIndex(300), new Term(6), Entries, new LogIndex(299), new ClusterTime(123), 44),
        new AppendResponse(From, To, new Term(7), true, new LogIndex(300), new LogIndex(200), new Term(5), 44),
        new HeartbeatRequest(From, To, new Term(7), new LogIndex(299), new ClusterTime(123), 44) { SentMicros = 55, RoundTripMicros = 66 },
        new HeartbeatResponse(From, To, new Term(7), 44) { SentMicros = 55 },
        new InstallSnapshotRequest(From, To, new Term(7), Mark, new ClusterTime(123)),
        new TimeoutNowRequest(From, To, new Term(7)),
        new ReadIndexRequest(From, To, new Term(7), -9) { Boot = long.MaxValue },
        new ReadIndexResponse(From, To, new Term(7), 9, new LogIndex(300), true) { Boot = 0x0102030405060708 },
        new PreVoteRequest(default, default, default, default, default, false),
        new PreVoteResponse(default, default, default, false),
        new VoteRequest(default, default, default, default, default, false),
        new VoteResponse(default, default, default, false),
        new AppendRequest(default, default, default, default, default, [], default, default, 0),
        new AppendRequest(From, To, new Term(7), new LogIndex(300), new Term(6), [], new LogIndex(299), new ClusterTime(123), 44) { IsQuiet = true },
        new AppendResponse(default, default, default, false, default, default, default, 0),
        new HeartbeatRequest(default, default, default, default, default, 0),
        new HeartbeatResponse(default, default, default, 0),
        new InstallSnapshotRequest(default, default, default, Make.Mark(0, 0, Configuration.Empty), default),
        new TimeoutNowRequest(default, default, default),
        new ReadIndexRequest(default, default, default, 0),
        new ReadIndexResponse(default, default, default, 0, default, false),
    ];

    public static void AssertSame(Entry actual, Entry expected)
    {
        Assert.Multiple(() =>
        {
            Assert.That(actual.Term, Is.EqualTo(expected.Term));
            Assert.That(actual.Index, Is.EqualTo(expected.Index));
            Assert.That(actual.Kind, Is.EqualTo(expected.Kind));
            Assert.That(actual.Stamp, Is.EqualTo(expected.Stamp));
            Assert.That(actual.Request, Is.EqualTo(expected.Request));
            Assert.That(actual.Principal, Is.EqualTo(expected.Principal));
            Assert.That(actual.FeatureLevel, Is.EqualTo(expected.FeatureLevel));
            Assert.That(actual.Payload.ToArray(), Is.EqualTo(expected.Payload.ToArray()));
        });
    }

    public static void AssertSame(Configuration actual, Configuration expected)
    {
        Assert.Multiple(() =>
        {
            Assert.That(actual.Members, Is.EqualTo(expected.Members));
            Assert.That(actual.Voters, Is.EqualTo(expected.Voters));
            Assert.That(actual.OutgoingVoters, Is.EqualTo(expected.OutgoingVoters));
            Assert.That(actual.Learners, Is.EqualTo(expected.Learners));
            Assert.That(actual.Removed, Is.EqualTo(expected.Removed));
        });
    }

    public static void AssertSame(Message actual, Message expected)
    {
        switch (expected)
        {
            case AppendRequest append:
                var read = (AppendRequest)actual;
                Assert.That(read with { Entries = append.Entries }, Is.EqualTo(append));
                Assert.That(read.Entries, Has.Count.EqualTo(append.Entries.Count));
                for (var i = 0; i < append.Entries.Count; i++)
                {
                    AssertSame(read.Entries[i], append.Entries[i]);
                }
                break;
            case InstallSnapshotRequest install:
                var mark = ((InstallSnapshotRequest)actual).Mark;
                AssertSame(mark.Configuration, install.Mark.Configuration);
                Assert.That(mark with { Configuration = install.Mark.Configuration }, Is.EqualTo(install.Mark));
                Assert.That((InstallSnapshotRequest)actual with { Mark = install.Mark }, Is.EqualTo(install));
                break;
            default:
                Assert.That(actual, Is.EqualTo(expected));
                break;
        }
    }
}
