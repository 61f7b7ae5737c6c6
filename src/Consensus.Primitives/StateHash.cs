using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Consensus.Primitives;

/// <summary>
/// A running 64-bit hash that every replica computes over what it applied, compared at equal indexes to detect divergence
/// (rule 13). It is not a defence against a forger.
/// </summary>
public readonly record struct StateHash(ulong Value)
{
    private const ulong M1 = 0x9FB21C651E98DF25UL;
    private const ulong M2 = 0xC2B2AE3D27D4EB4FUL;

    public static readonly StateHash Initial = new(0x6A09E667F3BCC908UL);

    public StateHash Add(long word)
    {
        var high = Math.BigMul(Value ^ M1, (ulong)word + M2, out var low);
        return new StateHash(BitOperations.RotateLeft(Value, 23) * M1 ^ high ^ low ^ (ulong)word);
    }

    /// <summary>Adds the bytes and their count, so that ("ab","c") and ("a","bc") differ.</summary>
    public StateHash Add(ReadOnlySpan<byte> bytes)
    {
        var hash = Add(bytes.Length);
        while (bytes.Length >= 8)
        {
            hash = hash.Add(BinaryPrimitives.ReadInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        if (bytes.Length > 0)
        {
            Span<byte> last = stackalloc byte[8];
            last.Clear();
            bytes.CopyTo(last);
            hash = hash.Add(BinaryPrimitives.ReadInt64LittleEndian(last));
        }
        return hash;
    }

    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
