using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.InnerBenchmarks;

/// <summary>What a member handles in the end-to-end benchmark: keys of 18 bytes, values of 256.</summary>
internal static class Samples
{
    public const int ValueBytes = 256;
    public static readonly MemberId Self = new(0x0102030405060708);
    public static readonly MemberId Other = new(0x1112131415161718);

    public static Key Key(int number) => StateMachine.Key.FromText($"bench/key-{number:00000000}");

    public static byte[] Value()
    {
        var random = new DeterministicRandom(7);
        return [.. Enumerable.Range(0, ValueBytes).Select(_ => (byte)random.Next(256))];
    }

    public static CommandEnvelope Put(int number) => new(new PutCommand(Key(number), Value(), LeaseId.None, KeyCondition.None));

    public static byte[] Encode(Command command)
    {
        var writer = new WireWriter(512);
        CommandCodec.Write(writer, new CommandEnvelope(command));
        return writer.ToArray();
    }

    public static Entry[] Entries(long first, int count) => [.. Enumerable.Range(0, count).Select(offset => new Entry
    {
        Term = new Term(3),
        Index = new LogIndex(first + offset),
        Kind = EntryKind.Command,
        Stamp = new ClusterTime(1_000_000 + first + offset),
        Request = new RequestId(Self, 1, first + offset),
        Payload = Encode(Put(offset).Command),
    })];
}
