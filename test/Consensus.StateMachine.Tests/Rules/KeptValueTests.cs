using System.Runtime.InteropServices;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>A stored value and the array of the log entry that brought it.</summary>
public sealed class KeptValueTests
{
    private static readonly Key A = Machine.Key("a");

    [TestCase(256, true)]
    [TestCase(1, false)]
    [TestCase(0, false)]
    public void A_value_shares_the_array_of_its_entry_only_while_it_is_most_of_it(int bytes, bool shares)
    {
        var (logged, kept) = Put(bytes);
        Assert.That(MemoryMarshal.TryGetArray(kept, out var segment), Is.True);
        Assert.That(ReferenceEquals(segment.Array, logged), Is.EqualTo(shares));
        Assert.That(kept.ToArray(), Is.EqualTo(Value(bytes)));
    }

    [Test]
    public void A_long_idempotency_key_does_not_make_a_small_value_hold_it()
    {
        var (logged, kept) = Put(bytes: 100, identity: new byte[128]);
        Assert.That(MemoryMarshal.TryGetArray(kept, out var segment) && segment.Array!.Length < logged.Length, Is.True);
        Assert.That(kept.ToArray(), Is.EqualTo(Value(100)));
    }

    private static byte[] Value(int bytes) => [.. Enumerable.Range(1, bytes).Select(i => (byte)i)];

    private static (byte[] Logged, ReadOnlyMemory<byte> Kept) Put(int bytes, byte[]? identity = null)
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, new CommandEnvelope(new PutCommand(A, Value(bytes), LeaseId.None, KeyCondition.None), identity, identity is null ? default : new byte[16]));
        var logged = writer.ToArray();
        var state = new ReplicatedState(Limits.Default);
        state.Apply(new LoggedEntry(new LogIndex(1), new ClusterTime(1), true, Machine.Request(1), "", logged), new ApplyOutput());
        return (logged, state.TakeView().GetKey(A)!.Value);
    }
}
