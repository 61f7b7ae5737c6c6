using System.Buffers.Binary;
using System.Security.Cryptography;
using Consensus.Primitives;

namespace Consensus.Node.Runtime;

/// <summary>
/// Random lease ids (rule 17), each of 63 bits out of the system's generator for secrets. That is slow to ask, so it is asked for many at
/// once. Each thread has its own.
/// </summary>
internal static class LeaseIds
{
    private const int DrawnAtOnce = 32;

    [ThreadStatic]
    private static byte[]? _drawn;

    [ThreadStatic]
    private static int _left;

    public static LeaseId Next()
    {
        var drawn = _drawn ??= new byte[DrawnAtOnce * sizeof(long)];
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(drawn);
            _left = DrawnAtOnce;
        }
        _left--;
        var bytes = drawn.AsSpan(_left * sizeof(long), sizeof(long));
        var value = BinaryPrimitives.ReadInt64LittleEndian(bytes) & long.MaxValue;
        // What was given is known to whom it was given, and stands nowhere here.
        bytes.Clear();
        return new LeaseId(value == 0 ? 1 : value);
    }
}
