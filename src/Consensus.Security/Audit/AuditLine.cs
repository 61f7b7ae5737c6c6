using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Consensus.Security.Audit;

/// <summary>
/// The lines of an audit log: JSON in ASCII, of which each carries the link of a chain. The link is the SHA-256 of the link before and of the
/// line as it stands without it, so that no line can be changed, taken out or put elsewhere without the next ones' telling.
/// </summary>
public static class AuditLine
{
    /// <summary>No line is longer; one that is was not written here.</summary>
    public const int MostBytes = 16 << 10;

    /// <summary>Of the format, as a file's first line says.</summary>
    public const int Version = 1;

    private const int HexLength = 2 * AuditHead.ChainBytes;

    private static ReadOnlySpan<byte> ChainBegin => ",\"chain\":\""u8;

    private static ReadOnlySpan<byte> RecordBegin => "{\"seq\":"u8;

    private static ReadOnlySpan<byte> HeaderBegin => "{\"audit\":"u8;

    /// <summary>Writes a file's first line: whose it is, and what its first record follows.</summary>
    public static void WriteHeader(IBufferWriter<byte> to, string member, string cluster, AuditHead head)
    {
        using var json = new Utf8JsonWriter(to);
        json.WriteStartObject();
        json.WriteNumber("audit", Version);
        json.WriteString("member", member);
        json.WriteString("cluster", cluster);
        json.WriteNumber("after", head.Sequence);
        json.WriteString("head", head.Text);
        json.WriteEndObject();
        json.Flush();
        to.Write("\n"u8);
    }

    /// <summary>Writes a record behind what <paramref name="head"/> stands for.</summary>
    /// <returns>What the next one follows.</returns>
    public static AuditHead Write(IBufferWriter<byte> to, string member, string cluster, AuditRecord record, AuditHead head)
    {
        var sequence = head.Sequence + 1;
        var body = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteNumber("seq", sequence);
            json.WriteString("time", record.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("member", member);
            json.WriteString("cluster", cluster);
            json.WriteString("event", AuditEvents.WordOf(record.Event));
            Text(json, "principal", AuditText.Bounded(record.Principal));
            Text(json, "credential", AuditText.Bounded(record.Credential));
            Text(json, "remote", AuditText.Bounded(record.Remote));
            Text(json, "method", AuditText.Bounded(record.Method));
            Text(json, "route", record.Route);
            Text(json, "space", record.Space);
            Text(json, "verb", record.Verb);
            Text(json, "name", record.Name);
            if (record.IsPrefix)
            {
                json.WriteBoolean("prefix", true);
            }
            Text(json, "decision", record.Decision);
            Text(json, "rule", AuditText.Bounded(record.Rule));
            Number(json, "status", record.Status);
            Number(json, "revision", record.Revision);
            Number(json, "index", record.Index);
            if (record.DurationMicros is { } micros)
            {
                json.WriteNumber("durationMs", micros / 1000m);
            }
            Text(json, "key", record.Key);
            Number(json, "count", record.Count);
            Number(json, "intent", record.IntentSequence);
            Text(json, "detail", record.Detail);
            json.WriteEndObject();
        }
        // Its closing brace comes behind the link.
        var said = body.WrittenSpan[..^1];
        var chain = Link(head.Chain.Span, said);
        to.Write(said);
        to.Write(ChainBegin);
        Span<byte> hex = stackalloc byte[HexLength];
        Convert.TryToHexStringLower(chain, hex, out _);
        to.Write(hex);
        to.Write("\"}\n"u8);
        return new AuditHead(sequence, chain);
    }

    /// <summary>A record's link: SHA-256(previous ‖ the line up to the member <c>chain</c>).</summary>
    public static byte[] Link(ReadOnlySpan<byte> previous, ReadOnlySpan<byte> said)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(previous);
        hash.AppendData(said);
        return hash.GetHashAndReset();
    }

    /// <summary>Takes a record's line apart, without its end of line. False for what is none.</summary>
    /// <param name="head">What the line says that it is, which is not checked.</param>
    /// <param name="said">What its link is made of beside the one before.</param>
    public static bool TryRead(ReadOnlySpan<byte> line, out AuditHead head, out ReadOnlySpan<byte> said)
    {
        head = AuditHead.Empty;
        said = default;
        var link = line.Length - ChainBegin.Length - HexLength - 2;
        if (link < RecordBegin.Length
            || !line.StartsWith(RecordBegin)
            || !line[link..].StartsWith(ChainBegin)
            || !line.EndsWith("\"}"u8)
            || !Utf8Parser.TryParse(line[RecordBegin.Length..], out long sequence, out _)
            || sequence <= 0
            || !TryReadChain(line.Slice(link + ChainBegin.Length, HexLength), out var chain))
        {
            return false;
        }
        head = new AuditHead(sequence, chain);
        said = line[..link];
        return true;
    }

    /// <summary>Whose log a record is of, by its line without the end of line; null for what is no record.</summary>
    public static string? MemberOf(ReadOnlySpan<byte> record)
    {
        if (!TryRead(record, out _, out _))
        {
            return null;
        }
        try
        {
            var reader = new Utf8JsonReader(record);
            using var document = JsonDocument.ParseValue(ref reader);
            return document.RootElement.GetProperty("member").GetString();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Reads a first line, without its end of line. False for what is none.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> line, out string member, out AuditHead head)
    {
        (member, head) = ("", AuditHead.Empty);
        if (!line.StartsWith(HeaderBegin))
        {
            return false;
        }
        try
        {
            var reader = new Utf8JsonReader(line);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (reader.BytesConsumed != line.Length
                || root.GetProperty("audit").GetInt32() != Version
                || root.GetProperty("after").GetInt64() is not (>= 0 and var after)
                || root.GetProperty("head").GetString() is not { Length: HexLength } text
                || root.GetProperty("member").GetString() is not { } name)
            {
                return false;
            }
            (member, head) = (name, new AuditHead(after, Convert.FromHexString(text)));
            return true;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryReadChain(ReadOnlySpan<byte> hex, out byte[] chain)
    {
        chain = new byte[AuditHead.ChainBytes];
        return !hex.ContainsAnyInRange((byte)'A', (byte)'F')
            && Convert.FromHexString(hex, chain, out _, out _) == OperationStatus.Done;
    }

    private static void Text(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
        {
            json.WriteString(name, value);
        }
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}
