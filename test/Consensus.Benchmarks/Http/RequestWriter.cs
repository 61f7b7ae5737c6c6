using System.Globalization;
using System.Text;

namespace Consensus.Benchmarks.Http;

/// <summary>Builds the bytes of HTTP/1.1 requests, outside the measured loop.</summary>
internal static class RequestWriter
{
    /// <summary>A whole request. <paramref name="headers"/> are full lines, each with its line end.</summary>
    public static byte[] Build(string method, string target, string host, string body = "", string headers = "")
    {
        var length = body.Length > 0 || method is "POST" or "PUT"
            ? string.Create(CultureInfo.InvariantCulture, $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n")
            : string.Empty;
        return Encoding.UTF8.GetBytes($"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n{body}");
    }

    /// <summary>Copies <paramref name="source"/> to the front of <paramref name="target"/> and answers its length.</summary>
    public static int Copy(ReadOnlySpan<byte> source, Span<byte> target)
    {
        source.CopyTo(target);
        return source.Length;
    }
}
