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
        "leader" or "none" => ReadLeader(block),
        "lock" => new WatchLock(Data(block, ClientJson.Default.LockAnswer), IdOf(block), block.Data),
        "semaphore" => new WatchSemaphore(Data(block, ClientJson.Default.SemaphoreAnswer), IdOf(block), block.Data),
        "lease" => new WatchLease(Data(block, ClientJson.Default.LeaseDetailAnswer), IdOf(block), block.Data),
        "ended" => new WatchLeaseEnded(Data(block, ClientJson.Default.LeaseEndedData), IdOf(block), block.Data),
        "compacted" => new WatchCompacted(Data(block, ClientJson.Default.WatchCompactedData).CompactRevision, block.Data),
        _ => null,
    };

    /// <summary>After which revision a watch goes on that has seen this block; null when the block does not say.</summary>
    public static long? Place(ServerSentEvent block) =>
        long.TryParse(block.Id, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) ? revision : null;

    private static WatchChanges ReadSingle(ServerSentEvent block)
    {
        var data = Checked(Data(block, ClientJson.Default.WatchEventData) with { Event = block.Event });
        IdOf(block);
        return new WatchChanges(data.ModRevision, [data], block.Data);
    }

    private static WatchLeader ReadLeader(ServerSentEvent block)
    {
        var data = Data(block, ClientJson.Default.ElectionEventData);
        IdOf(block);
        return new WatchLeader(data, block.Data);
    }

    private static WatchMessage ReadChanges(ServerSentEvent block)
    {
        var data = Data(block, ClientJson.Default.WatchChangesData);
        foreach (var change in data.Events)
        {
            Checked(change);
        }
        if (data.More)
        {
            return new WatchPart(data.Events);
        }
        IdOf(block);
        return new WatchChanges(data.Revision, data.Events, block.Data);
    }

    /// <summary>A put says what it put; what is neither that nor a delete is not taken for either.</summary>
    private static WatchEventData Checked(WatchEventData change) => change.Event switch
    {
        "delete" => change,
        "put" when change is { CreateRevision: not null, Version: not null } && (change.Value ?? change.ValueBase64) is not null => change,
        _ => throw new JsonException("An event is neither a whole put nor a delete."),
    };

    /// <summary>A revision that came in several messages, as one.</summary>
    public static WatchChanges Join(IReadOnlyList<WatchEventData> parts, WatchChanges last)
    {
        var data = new WatchChangesData(last.Revision, [.. parts, .. last.Events]);
        return new WatchChanges(data.Revision, data.Events, JsonSerializer.Serialize(data, ClientJson.Default.WatchChangesData));
    }

    private static T Data<T>(ServerSentEvent block, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(block.Data, AnswerTypes.Checked(type)) ?? throw new JsonException("The data of a message is null.");

    /// <summary>The place that whoever is cut off after this message goes on from.</summary>
    private static long IdOf(ServerSentEvent block) => Place(block) ?? throw new JsonException("A message has no id.");
}
