using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Consensus.Primitives;

namespace Consensus.Benchmarks.Workloads;

/// <summary>The keys that puts and gets draw from, all of one length and written ahead in the encoding that a system wants, and the value.</summary>
internal sealed class KeySpace
{
    public const int MostKeys = 1_000_000;

    /// <summary>As long as a key of this space, to mark its place in a request.</summary>
    public const string Gap = "bench/key-@@@@@@@@";

    private const int UsualKeys = 10_000;
    private const int MostFilledBytes = 64 * 1024 * 1024;

    private readonly byte[] _encoded;
    private readonly int _length;

    static KeySpace() => UseValuesOf(256);

    private KeySpace(Func<string, string> encode)
    {
        _length = encode(Gap).Length;
        _encoded = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, Count).Select(i => encode(Key(i)))));
    }

    /// <summary>Keys as they stand in a path.</summary>
    public static KeySpace Plain { get; private set; }

    /// <summary>Keys as etcd's JSON gateway wants them. 18 bytes become 24 characters, without padding.</summary>
    public static KeySpace Base64 { get; private set; }

    public static int Count { get; private set; }

    public static int ValueBytes { get; private set; }

    /// <summary>Letters and digits: the same bytes in every system, plain text in JSON and in a URL.</summary>
    public static string Value { get; private set; }

    public static string Base64Value { get; private set; }

    public ReadOnlySpan<byte> this[int index] => _encoded.AsSpan(index * _length, _length);

    /// <summary>For all requests that are built from now on. Of large values there are fewer keys, so that writing all of them once does not take long.</summary>
    [MemberNotNull(nameof(Value), nameof(Base64Value), nameof(Plain), nameof(Base64))]
    public static void UseValuesOf(int bytes)
    {
        ValueBytes = bytes;
        Value = RandomText(bytes);
        Base64Value = ToBase64(Value);
        UseKeys(Math.Min(UsualKeys, MostFilledBytes / bytes));
    }

    /// <summary>For all scripts that are made from now on.</summary>
    [MemberNotNull(nameof(Plain), nameof(Base64))]
    public static void UseKeys(int count)
    {
        Count = count;
        Plain = new KeySpace(key => key);
        Base64 = new KeySpace(ToBase64);
    }

    public static string ToBase64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public static string Key(int index) => string.Create(CultureInfo.InvariantCulture, $"bench/key-{index:00000000}");

    private static string RandomText(int length)
    {
        const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        var random = new DeterministicRandom(20_260_101);
        return string.Concat(Enumerable.Range(0, length).Select(_ => Letters[(int)random.Next(Letters.Length)]));
    }
}
