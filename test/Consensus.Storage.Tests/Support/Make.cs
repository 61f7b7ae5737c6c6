using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Storage.Tests.Support;

/// <summary>Values for tests.</summary>
internal static class Make
{
    public static readonly ClusterId Cluster = new(0x1122334455667788);
    public static readonly MemberId Self = new(0x0102030405060708);
    public static readonly byte[] Digest = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    public const long Incarnation = 0x7A5B3C1D2E4F6071;
    public const string Name = "n1";

    /// <summary>A key file with one key.</summary>
    public const string KeyFile = "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    public const string SecondKeyLine = "k2 ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    public static readonly Configuration Initial = Configuration.OfVoters(
    [
        new Member(Self, "n1", "127.0.0.1:7380"),
        new Member(new MemberId(11), "n2", "127.0.0.1:7480"),
        new Member(new MemberId(12), "n3", "127.0.0.1:7580"),
    ]);

    public static HardState Vote(long term, long member = 0) => new(new Term(term), new MemberId(member));

    public static SnapshotMark Mark(long index, long term) => new(
        new LogIndex(index),
        new Term(term),
        new ClusterTime(index * 1000),
        Configuration.OfVoters([new Member(Self, "n1", $"127.0.0.1:{7000 + index}"), new Member(new MemberId(11), "n2", "127.0.0.1:7480")]));

    /// <summary>An entry whose payload tells index, term and size, so that no two differing entries are taken for the same.</summary>
    public static Entry Entry(long index, long term, int payloadBytes = 24)
    {
        var payload = new byte[payloadBytes];
        var random = new DeterministicRandom(((ulong)index << 20) ^ ((ulong)term << 8) ^ (ulong)payloadBytes);
        for (var i = 0; i < payload.Length; i++)
        {
            payload[i] = (byte)random.Next(256);
        }
        return new Entry
        {
            Term = new Term(term),
            Index = new LogIndex(index),
            Kind = EntryKind.Command,
            Stamp = new ClusterTime(index * 1000),
            Request = new RequestId(Self, term, index),
            Principal = index % 3 == 0 ? "somebody" : "",
            Payload = payload,
        };
    }

    public static Entry[] Entries(long first, long count, long term, int payloadBytes = 24) =>
        [.. Enumerable.Range(0, (int)count).Select(i => Entry(first + i, term, payloadBytes))];
}
