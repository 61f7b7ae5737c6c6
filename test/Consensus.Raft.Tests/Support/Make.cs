using System.Collections.Immutable;
using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Support;

/// <summary>Short ways to write down members, logs and cores.</summary>
internal static class Make
{
    public const int T = 1000;

    public static readonly RaftOptions Options = new() { ElectionTimeoutTicks = T, HeartbeatIntervalTicks = 100, Seed = 42 };

    public static MemberId Id(int number) => new(number);

    public static Member Member(int number) =>
        new(Id(number), $"n{number.ToString(CultureInfo.InvariantCulture)}", $"127.0.0.1:{(7000 + number).ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Members 1 to <paramref name="count"/>, all voting.</summary>
    public static Configuration Voters(int count) => Configuration.OfVoters(Enumerable.Range(1, count).Select(Member));

    public static Configuration Configured(int[] voters, int[]? outgoing = null, int[]? learners = null)
    {
        ImmutableArray<MemberId> Ids(int[]? numbers) => [.. (numbers ?? []).Order().Select(Id)];
        var members = voters.Concat(outgoing ?? []).Concat(learners ?? []).Distinct().Order().Select(Member);
        return new Configuration([.. members], Ids(voters), Ids(outgoing), Ids(learners));
    }

    public static Entry Entry(long index, long term, EntryKind kind = EntryKind.Command, long stamp = 0, byte[]? payload = null) => new()
    {
        Term = new Term(term),
        Index = new LogIndex(index),
        Kind = kind,
        Stamp = new ClusterTime(stamp),
        Payload = payload ?? [],
    };

    public static Entry ConfigurationEntry(long index, long term, Configuration configuration)
    {
        var writer = new WireWriter();
        RaftCodec.WriteConfiguration(writer, configuration);
        return Entry(index, term, EntryKind.Configuration, payload: writer.ToArray());
    }

    /// <summary>Entries 1, 2, … with the given terms.</summary>
    public static Entry[] Log(params long[] terms) => [.. terms.Select((term, i) => Entry(i + 1, term))];

    public static Proposal Command(int bytes = 8, RequestId request = default) =>
        new(EntryKind.Command, request, new byte[bytes]);

    public static SnapshotMark Mark(long index, long term, Configuration configuration, long stamp = 0) =>
        new(new LogIndex(index), new Term(term), new ClusterTime(stamp), configuration);

    /// <summary>A host whose core starts with the given log; its term is that of the last entry unless given.</summary>
    public static Host Host(
        int self, Configuration configuration, Entry[]? log = null, long? term = null, int votedFor = 0, RaftOptions? options = null, SnapshotMark? snapshot = null)
    {
        var entries = log ?? [];
        var lastTerm = entries.Length > 0 ? entries[^1].Term : snapshot?.LastTerm ?? Term.Zero;
        var hardState = new HardState(term is { } t ? new Term(t) : lastTerm, Id(votedFor));
        return new Host(Id(self), configuration, options ?? Options, new Disk(hardState, snapshot, entries));
    }

    /// <summary>A host that led an election in <paramref name="configuration"/> by the votes of everybody else; its no-op is the last entry.</summary>
    public static Host Leader(int self, Configuration configuration, Entry[]? log = null, long? term = null, RaftOptions? options = null)
    {
        var host = Host(self, configuration, log, term, options: options);
        host.BecomeLeader();
        return host;
    }
}
