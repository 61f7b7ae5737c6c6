using System.Globalization;
using Consensus.Primitives;

namespace Consensus.Fuzzing;

/// <summary>
/// Seeds and changes for fuzz tests. Without settings every run is the same and takes seconds; <c>CONSENSUS_FUZZ_FACTOR</c> multiplies the rounds of each test and
/// <c>CONSENSUS_FUZZ_SEED</c> moves all seeds.
/// </summary>
internal static class Mutator
{
    public static int Rounds(int usual) => usual * (int)Number("CONSENSUS_FUZZ_FACTOR", 1);

    /// <summary>The generator of one test; the seed that makes it again is written to the test's output.</summary>
    public static DeterministicRandom Random(int seed)
    {
        var moved = (ulong)seed + (ulong)Number("CONSENSUS_FUZZ_SEED", 0);
        TestContext.Out.WriteLine($"seed {moved.ToString(CultureInfo.InvariantCulture)}");
        return new DeterministicRandom(moved);
    }

    public static byte[] Bytes(DeterministicRandom random, int mostBytes)
    {
        var bytes = new byte[random.Next(mostBytes + 1)];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)random.NextUInt64();
        }
        return bytes;
    }

    /// <summary>One to four changes: a bit, a byte, an extreme byte, a stretch removed, repeated, cleared or moved, or the end cut off.</summary>
    public static byte[] Change(ReadOnlySpan<byte> original, DeterministicRandom random)
    {
        List<byte> bytes = [.. original];
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = (int)random.Next(bytes.Count);
            var count = (int)Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(8))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << (int)random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.NextUInt64();
                    break;
                case 2:
                    bytes[at] = random.Chance(1, 2) ? (byte)0xFF : (byte)0x80;
                    break;
                case 3:
                    bytes.RemoveRange(at, count);
                    break;
                case 4:
                    bytes.InsertRange((int)random.Next(bytes.Count + 1), bytes.GetRange(at, count));
                    break;
                case 5:
                    for (var i = at; i < at + count; i++)
                    {
                        bytes[i] = 0;
                    }
                    break;
                case 6:
                    var source = (int)random.Next(bytes.Count - count + 1);
                    var stretch = bytes.GetRange(source, count);
                    for (var i = 0; i < count; i++)
                    {
                        bytes[at + i] = stretch[i];
                    }
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>Bytes that this thread allocated while it ran <paramref name="action"/>.</summary>
    public static long AllocatedBy(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static long Number(string variable, long otherwise) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
