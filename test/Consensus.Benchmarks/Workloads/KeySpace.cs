using System.Globalization;
using System.Text;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Workloads;

/// <summary>The keys that puts and gets draw from, all of one length and written ahead in the encoding that a system wants, and the value.</summary>
internal sealed class KeySpace
{
    public const int Count = 10_000;

    /// <summary>As long as a key of this space, to mark its place in a request.</summary>
    public const string Gap = "bench/key-@@@@@@@@";

    private readonly byte[] _encoded;
    private readonly int _length;

    private KeySpace(Func<string, string> encode)
    {
        _length = encode(Gap).Length;
        _encoded = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, Count).Select(i => encode(Key(i)))));
    }

    /// <summary>Keys as they stand in a path.</summary>
    public static KeySpace Plain { get; } = new(key => key);

    /// <summary>Keys as etcd's JSON gateway wants them. 18 bytes become 24 characters, without padding.</summary>
    public static KeySpace Base64 { get; } = new(ToBase64);

    public static int ValueBytes { get; private set; } = 256;

    /// <summary>Letters and digits: the same bytes in every system, plain text in JSON and in a URL.</summary>
    public static string Value { get; private set; } = RandomText(ValueBytes);

    public ReadOnlySpan<byte> this[int index] => _encoded.AsSpan(index * _length, _length);

    /// <summary>Before any request is built.</summary>
    public static void UseValuesOf(int bytes) => (ValueBytes, Value) = (bytes, RandomText(bytes));

    public static string ToBase64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Key(int index) => string.Create(CultureInfo.InvariantCulture, $"bench/key-{index:00000000}");

    private static string RandomText(int length)
    {
        const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        var random = new DeterministicRandom(20_260_101);
        return string.Concat(Enumerable.Range(0, length).Select(_ => Letters[(int)random.Next(Letters.Length)]));
    }
}
