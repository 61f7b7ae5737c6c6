using System.Globalization;
using System.Text;

namespace Consensus.Server.Tests.Fuzzing;

/// <summary>Reads everything that a server sent on one connection as HTTP/1.1 (RFC 9112), strictly: whatever is not a whole, valid answer throws <see cref="FormatException"/>.</summary>
internal static class HttpAnswers
{
    /// <param name="mayLackBody">A HEAD may be among the requests: an answer may then say a length and have no body.</param>
    /// <param name="mayEndEarly">The connection was reset: the last answer may be cut short. An event stream always may, since only its client ends it.</param>
    public static List<(int Status, Dictionary<string, string> Headers, byte[] Body)> Parse(ReadOnlySpan<byte> bytes, bool mayLackBody, bool mayEndEarly)
    {
        var answers = new List<(int, Dictionary<string, string>, byte[])>();
        while (bytes.Length > 0)
        {
            var headEnd = bytes.IndexOf("\r\n\r\n"u8);
            if (headEnd < 0)
            {
                if (mayEndEarly)
                {
                    break;
                }
                throw new FormatException($"an answer ends within its head: {Encoding.Latin1.GetString(bytes)}");
            }
            var lines = Encoding.Latin1.GetString(bytes[..headEnd]).Split("\r\n");
            var status = ReadStatus(lines[0]);
            var headers = ReadHeaders(lines.Skip(1));
            bytes = bytes[(headEnd + 4)..];
            var body = Array.Empty<byte>();
            if (status >= 200 && status is not (204 or 304) && !(mayLackBody && (bytes.IsEmpty || bytes.StartsWith("HTTP/1.1 "u8))))
            {
                try
                {
                    body = ReadBody(headers, ref bytes);
                }
                catch (FormatException) when (mayEndEarly || headers.GetValueOrDefault("Content-Type") == "text/event-stream")
                {
                    break;
                }
            }
            answers.Add((status, headers, body));
        }
        return answers;
    }

    private static int ReadStatus(string line)
    {
        var valid = line.Length >= 12
            && line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)
            && line.AsSpan(9, 3).IndexOfAnyExceptInRange('0', '9') < 0
            && (line.Length == 12 || line[12] == ' ');
        return valid ? int.Parse(line.AsSpan(9, 3), CultureInfo.InvariantCulture) : throw new FormatException($"no status line: {line}");
    }

    private static Dictionary<string, string> ReadHeaders(IEnumerable<string> lines)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var valid = colon > 0 && line.AsSpan(0, colon).IndexOfAny(" \t\r\n") < 0 && !line.Any(c => char.IsControl(c) && c != '\t');
            if (!valid || !headers.TryAdd(line[..colon], line[(colon + 1)..].Trim()))
            {
                throw new FormatException($"no header, or one that comes twice: {line}");
            }
        }
        return headers;
    }

    private static byte[] ReadBody(Dictionary<string, string> headers, ref ReadOnlySpan<byte> bytes)
    {
        if (headers.TryGetValue("Transfer-Encoding", out var encoding))
        {
            return encoding == "chunked" ? ReadChunks(ref bytes) : throw new FormatException($"a transfer encoding nobody asked for: {encoding}");
        }
        if (!headers.TryGetValue("Content-Length", out var text))
        {
            throw new FormatException("an answer whose end cannot be known");
        }
        return Take(ref bytes, int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)).ToArray();
    }

    private static byte[] ReadChunks(ref ReadOnlySpan<byte> bytes)
    {
        var body = new List<byte>();
        while (true)
        {
            var lineEnd = bytes.IndexOf("\r\n"u8);
            var size = int.Parse(
                Encoding.Latin1.GetString(lineEnd < 0 ? throw new FormatException("a chunk without a size") : bytes[..lineEnd]),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture);
            bytes = bytes[(lineEnd + 2)..];
            body.AddRange(Take(ref bytes, size));
            if (!Take(ref bytes, 2).SequenceEqual("\r\n"u8))
            {
                throw new FormatException("a chunk that does not end where it says");
            }
            if (size == 0)
            {
                return [.. body];
            }
        }
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> bytes, int count)
    {
        if (count > bytes.Length)
        {
            throw new FormatException($"an answer is {count - bytes.Length} bytes short");
        }
        var taken = bytes[..count];
        bytes = bytes[count..];
        return taken;
    }
}
