using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api.Watches;

namespace Consensus.Client.Watches;

/// <summary>Events of a revision that goes on in the next message. Nobody but the reader of the stream sees it.</summary>
internal sealed record WatchPart(IReadOnlyList<WatchEventData> Events) : WatchMessage("");

/// <summary>Turns blocks of an event stream into messages.</summary>
internal static class WatchMessageReader
{
    /// <summary>The message of a block; null for one that this version does not know, or that has no data.</summary>
    /// <exception cref="JsonException">The data is not the contract's.</exception>
    public static WatchMessage? Read(ServerSentEvent block) => block.Event switch
    {
        "open" => new WatchOpened(Data(block, ClientJson.Default.WatchOpenData).FromRevision, block.Data),
        "put" or "delete" => ReadSingle(block),
        "changes" => ReadChanges(block),
        "leader" or "none" => new WatchLeader(Data(block, ClientJson.Default.ElectionEventData), block.Data),
        "lock" => new WatchLock(Data(block, ClientJson.Default.LockAnswer), Place(block) ?? 0, block.Data),
        "semaphore" => new WatchSemaphore(Data(block, ClientJson.Default.SemaphoreAnswer), Place(block) ?? 0, block.Data),
        "lease" => new WatchLease(Data(block, ClientJson.Default.LeaseDetailAnswer), Place(block) ?? 0, block.Data),
        "ended" => new WatchLeaseEnded(Data(block, ClientJson.Default.LeaseEndedData), Place(block) ?? 0, block.Data),
        "compacted" => new WatchCompacted(Data(block, ClientJson.Default.WatchCompactedData).CompactRevision, block.Data),
        _ => null,
    };

    /// <summary>After which revision a watch goes on that has seen this block; null when the block does not say.</summary>
    public static long? Place(ServerSentEvent block) =>
        long.TryParse(block.Id, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) ? revision : null;

    private static WatchChanges ReadSingle(ServerSentEvent block)
    {
        var data = Data(block, ClientJson.Default.WatchEventData) with { Event = block.Event };
        return new WatchChanges(data.ModRevision, [data], block.Data);
    }

    private static WatchMessage ReadChanges(ServerSentEvent block)
    {
        var data = Data(block, ClientJson.Default.WatchChangesData);
        return data.More ? new WatchPart(data.Events) : new WatchChanges(data.Revision, data.Events, block.Data);
    }

    /// <summary>A revision that came in several messages, as one.</summary>
    public static WatchChanges Join(IReadOnlyList<WatchEventData> parts, WatchChanges last)
    {
        var data = new WatchChangesData(last.Revision, [.. parts, .. last.Events]);
        return new WatchChanges(data.Revision, data.Events, JsonSerializer.Serialize(data, ClientJson.Default.WatchChangesData));
    }

    private static T Data<T>(ServerSentEvent block, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(block.Data, type) ?? throw new JsonException("The data of a message is null.");
}
