using Consensus.Primitives;

namespace Consensus.StateMachine;

/// <summary>
/// A key, or the name of a lock: bytes, compared as bytes (rule: UTF-16 and UTF-8 orders differ, so never as strings). The array
/// is never written after construction.
/// </summary>
public readonly struct Key : IComparable<Key>, IEquatable<Key>
{
    /// <summary>Longest key in bytes.</summary>
    public const int MaxLength = 1024;

    private readonly byte[]? _bytes;

    public Key(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    private Key(byte[] owned) => _bytes = owned;

    /// <summary>Takes the array over without copying it; the caller gives up writing to it.</summary>
    public static Key Own(byte[] bytes) => new(bytes);

    /// <summary>The key whose bytes are the UTF-8 form of <paramref name="text"/>.</summary>
    public static Key FromText(string text) => new(System.Text.Encoding.UTF8.GetBytes(text));

    public ReadOnlySpan<byte> Bytes => _bytes;

    public ReadOnlyMemory<byte> Memory => _bytes;

    public int Length => _bytes?.Length ?? 0;

    public bool IsEmpty => Length == 0;

    public bool StartsWith(Key prefix) => Bytes.StartsWith(prefix.Bytes);

    public int CompareTo(Key other) => Bytes.SequenceCompareTo(other.Bytes);

    public bool Equals(Key other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is Key other && Equals(other);

    /// <summary>The same in every process: the order of nothing may depend on it all the same.</summary>
    public override int GetHashCode() => (int)StateHash.Initial.Add(Bytes).Value;

    public static bool operator ==(Key a, Key b) => a.Equals(b);

    public static bool operator !=(Key a, Key b) => !a.Equals(b);

    /// <summary>For logs and messages: invalid UTF-8 shows as replacement characters.</summary>
    public override string ToString() => System.Text.Encoding.UTF8.GetString(Bytes);
}
