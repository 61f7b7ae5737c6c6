using Consensus.Api.Watches;

namespace Consensus.Client;

/// <summary>What happened to a key.</summary>
public enum KeyChangeKind
{
    /// <summary>It was written.</summary>
    Put,
    /// <summary>It was deleted, by itself or with its lease.</summary>
    Delete,
}

/// <summary>One change of one key.</summary>
/// <param name="Entry">The key as it is now; null when it was deleted.</param>
/// <param name="Previous">The key before, where that was asked for, was there, and was not too large to be told.</param>
public sealed record KeyChange(KeyChangeKind Kind, string Key, long Revision, KeyEntry? Entry, KeyEntry? Previous)
{
    internal static KeyChange Of(WatchEventData data)
    {
        var isPut = data.Event == "put";
        var entry = new KeyEntry
        {
            Key = KeyText.Of(data.Key, data.KeyBase64),
            KeyBytes = KeyText.Bytes(data.Key, data.KeyBase64),
            Value = KeyText.Bytes(data.Value, data.ValueBase64),
            CreateRevision = data.CreateRevision ?? 0,
            ModRevision = data.ModRevision,
            Version = data.Version ?? 0,
            Lease = data.Lease,
        };
        return new KeyChange(
            isPut ? KeyChangeKind.Put : KeyChangeKind.Delete,
            entry.Key,
            data.ModRevision,
            isPut ? entry : null,
            data.Prev is { } previous ? KeyEntry.Of(previous) : null);
    }
}

/// <summary>All changes of one revision that a watch is for, in the order in which they were done: what was written together is told together.</summary>
public sealed record KeyChanges(long Revision, IReadOnlyList<KeyChange> Changes);
