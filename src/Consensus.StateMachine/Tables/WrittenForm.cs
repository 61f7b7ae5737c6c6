using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Sums the records of a table by the bytes that a snapshot has of them: what is written is what the digest covers, no more and no less. For records that are small.
/// </summary>
/// <param name="write">Writes one as into a snapshot.</param>
/// <param name="bytes">What one takes in memory, about, with its places in the indexes: what it counts towards the quota. Of what is stored alone, so that a restored one counts the same.</param>
internal sealed class WrittenForm<TKey, TValue>(Action<WireWriter, TKey, TValue> write, Func<TKey, TValue, long> bytes) : IMeasure<TKey, TValue>
{
    private readonly WireWriter _writer = new();

    public long Bytes(TKey key, TValue value) => bytes(key, value);

    public bool IsLeased(TValue value) => false;

    public ulong Digest(TKey key, TValue value)
    {
        _writer.Clear();
        write(_writer, key, value);
        return StateHash.Initial.Add(_writer.Written).Value;
    }
}
