using System.Text;
using Consensus.Api.KeyValue;

namespace Consensus.Client;

/// <summary>A key with its value, as of one revision.</summary>
public sealed record KeyEntry
{
    /// <summary>The key as text; bytes that are not UTF-8 are replaced, see <see cref="KeyBytes"/>.</summary>
    public required string Key { get; init; }

    /// <summary>The key as it is stored.</summary>
    public required ReadOnlyMemory<byte> KeyBytes { get; init; }

    /// <summary>Empty where only keys were asked for.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The value as UTF-8 text.</summary>
    public string Text => Encoding.UTF8.GetString(Value.Span);

    /// <summary>The revision at which it came to be.</summary>
    public required long CreateRevision { get; init; }

    /// <summary>The revision of its last write: what a compare-and-set expects.</summary>
    public required long ModRevision { get; init; }

    /// <summary>How often it was written since it was created; 1 at first.</summary>
    public required long Version { get; init; }

    /// <summary>The lease that it goes with, or null.</summary>
    public required string? Lease { get; init; }

    internal static KeyEntry Of(KeyAnswer answer) => new()
    {
        Key = KeyText.Of(answer.Key, answer.KeyBase64),
        KeyBytes = KeyText.Bytes(answer.Key, answer.KeyBase64),
        Value = answer.ValueBytes ?? KeyText.Bytes(answer.Value, answer.ValueBase64),
        CreateRevision = answer.CreateRevision,
        ModRevision = answer.ModRevision,
        Version = answer.Version,
        Lease = answer.Lease,
    };
}
