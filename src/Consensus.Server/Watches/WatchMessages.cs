using System.Globalization;
using System.Text;
using System.Text.Json;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.KeyValue;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Watches;

/// <summary>
/// Messages of an event stream (WHATWG HTML §9.2): one for each revision, with all its events of the watch, its id the revision (rule 28). Data is JSON on one line.
/// </summary>
internal static class WatchMessages
{
    /// <summary>A message has no more than about this, in bytes as they are sent, unless its one event has. With more than this the keys before the events are left out.</summary>
    private const long EnoughBytes = 1 << 20;

    /// <summary>
    /// A comment, and an id without an event: it keeps the connection open and says that the server is there, and a client that is cut off later goes on after what
    /// it was told to hold nothing for it, even when what it saw last is no longer kept.
    /// </summary>
    /// <param name="passed">Up to this revision everything was told.</param>
    public static byte[] Heartbeat(Revision passed) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $":\nid: {passed.Value}\n\n"));

    /// <summary>The first message. Its id is that of the revision before, so that a client that is cut off right after it misses nothing.</summary>
    public static byte[] Open(Revision from)
    {
        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteNumber("fromRevision"u8, from.Value);
        buffer.Json.WriteEndObject();
        return Finish(buffer, from.Value - 1, "open");
    }

    /// <summary>The last message of a reader that came too late for the history. It has no id: the client's last one stays.</summary>
    public static byte[] Compacted(Revision compactRevision)
    {
        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteNumber("compactRevision"u8, compactRevision.Value);
        buffer.Json.WriteEndObject();
        return Finish(buffer, null, "compacted");
    }

    /// <summary>The last message of a reader that may not be told more: who asks again is told why. It has no id, as above.</summary>
    public static byte[] Forbidden()
    {
        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteString("title"u8, ProblemTypes.Forbidden.Title);
        buffer.Json.WriteEndObject();
        return Finish(buffer, null, "forbidden");
    }

    /// <summary>The message of one revision.</summary>
    /// <param name="changes">Those of the revision that the target matches, at least one, in their order.</param>
    public static byte[] Of(WatchTarget target, Revision revision, List<Change> changes)
    {
        if (target.Kind == WatchKind.Election)
        {
            // Of two changes in one revision only the last one is there to be seen.
            var change = (ElectionChange)changes[^1];
            return OfElection(change.Name, change.Leader, revision);
        }
        if (target.WithPrevious && changes.Sum(change => ((KeyChange)change).Before?.Value.Length ?? 0L) <= EnoughBytes)
        {
            var whole = WriteWhole(changes, revision, Previous.Yes);
            if (SizeOf(whole) <= EnoughBytes)
            {
                return Finish(whole, revision.Value, changes is [KeyChange one] ? EventName(one) : "changes");
            }
            whole.Return();
        }
        var previous = target.WithPrevious ? Previous.Omitted : Previous.No;
        return changes is [KeyChange single] ? Finish(WriteWhole(changes, revision, previous), revision.Value, EventName(single)) : OfMany(changes, revision, previous);
    }

    /// <summary>
    /// A revision that is large is several messages, of which only the last has the id: a client that is cut off between them is told the whole of it again. No message is larger than
    /// it may be, unless a single event is.
    /// </summary>
    private static byte[] OfMany(List<Change> changes, Revision revision, Previous previous)
    {
        var parts = new List<byte[]>();
        var buffer = BeginChanges(revision);
        var isEmpty = true;
        foreach (var change in changes)
        {
            var key = (KeyChange)change;
            var size = JsonSize.OfText(key.Key.Bytes) + (key.After is { } after ? JsonSize.OfText(after.Value.Span) : 0);
            if (!isEmpty && SizeOf(buffer) + size > EnoughBytes)
            {
                parts.Add(Finish(EndChanges(buffer, hasMore: true), null, "changes"));
                buffer = BeginChanges(revision);
            }
            WriteOneOfMany(buffer.Json, key, previous);
            isEmpty = false;
        }
        parts.Add(Finish(EndChanges(buffer, hasMore: false), revision.Value, "changes"));
        return parts is [var only] ? only : Joined(parts);
    }

    private static byte[] Joined(List<byte[]> parts)
    {
        var all = new byte[parts.Sum(part => part.Length)];
        var at = 0;
        foreach (var part in parts)
        {
            part.CopyTo(all, at);
            at += part.Length;
        }
        return all;
    }

    private static JsonBuffer WriteWhole(List<Change> changes, Revision revision, Previous previous)
    {
        if (changes is [KeyChange single])
        {
            var buffer = JsonBuffer.Rent();
            buffer.Json.WriteStartObject();
            WriteEvent(buffer.Json, single, previous);
            buffer.Json.WriteEndObject();
            return buffer;
        }
        var many = BeginChanges(revision);
        foreach (var change in changes)
        {
            WriteOneOfMany(many.Json, (KeyChange)change, previous);
        }
        return EndChanges(many, hasMore: false);
    }

    private static JsonBuffer BeginChanges(Revision revision)
    {
        var buffer = JsonBuffer.Rent();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteNumber("revision"u8, revision.Value);
        buffer.Json.WriteStartArray("events"u8);
        return buffer;
    }

    private static void WriteOneOfMany(Utf8JsonWriter json, KeyChange change, Previous previous)
    {
        json.WriteStartObject();
        json.WriteString("event"u8, EventName(change));
        WriteEvent(json, change, previous);
        json.WriteEndObject();
    }

    private static JsonBuffer EndChanges(JsonBuffer buffer, bool hasMore)
    {
        buffer.Json.WriteEndArray();
        if (hasMore)
        {
            buffer.Json.WriteBoolean("more"u8, true);
        }
        buffer.Json.WriteEndObject();
        return buffer;
    }

    private static long SizeOf(JsonBuffer buffer) => buffer.Json.BytesCommitted + buffer.Json.BytesPending;

    /// <param name="leader">Null when nobody leads.</param>
    public static byte[] OfElection(Key name, Hold? leader, Revision revision)
    {
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("name"u8, name.Bytes);
        json.WriteString("leader"u8, leader?.Owner);
        json.WriteNumber("revision"u8, revision.Value);
        if (leader is not null)
        {
            json.WriteString("value"u8, leader.Value.Span);
            json.WriteNumber("fencingToken"u8, leader.Token.Value);
            json.WriteString("lease"u8, leader.Lease.ToString());
        }
        json.WriteEndObject();
        return Finish(buffer, revision.Value, leader is null ? "none" : "leader");
    }

    private enum Previous
    {
        No,
        Yes,
        Omitted,
    }

    private static string EventName(KeyChange change) => change.After is null ? "delete" : "put";

    private static void WriteEvent(Utf8JsonWriter json, KeyChange change, Previous previous)
    {
        if (change.After is { } after)
        {
            KeyDocument.WriteMembers(json, change.Key, after, withValue: true);
        }
        else
        {
            KeyDocument.WriteKey(json, change.Key);
            json.WriteNumber("modRevision"u8, change.Revision.Value);
        }
        if (change.Before is not { } before || previous == Previous.No)
        {
            return;
        }
        if (previous == Previous.Omitted)
        {
            json.WriteBoolean("prevOmitted"u8, true);
            return;
        }
        json.WritePropertyName("prev"u8);
        KeyDocument.WriteItem(json, change.Key, before, withValue: true);
    }

    /// <summary>The message with what was written as its data, which is on one line. The buffer is given back.</summary>
    public static byte[] Finish(JsonBuffer buffer, long? id, string eventName)
    {
        var head = string.Create(CultureInfo.InvariantCulture, $"{(id is { } number ? $"id: {number}\n" : "")}event: {eventName}\ndata: ");
        var message = buffer.ToBytes(head.Length, 2);
        Encoding.ASCII.GetBytes(head, message);
        message[^2] = message[^1] = (byte)'\n';
        buffer.Return();
        return message;
    }
}
