using System.Buffers;
using Consensus.Api;

namespace Consensus.Server.Http;

/// <summary>A request's body, or why it was refused.</summary>
internal readonly record struct BodyResult(byte[] Bytes, Problem? Refusal);

/// <summary>Reads bodies whole, up to a limit, whatever their Content-Type says.</summary>
internal static class RequestBody
{
    /// <param name="maxBytes">A longer body is refused without reading it, or at the byte past the limit.</param>
    /// <param name="what">For the refusal: <c>the value</c>, <c>the request</c>.</param>
    /// <exception cref="BadHttpRequestException">The body is badly framed, or the client went away.</exception>
    public static ValueTask<BodyResult> ReadAsync(HttpContext http, int maxBytes, string what)
    {
        var declared = http.Request.ContentLength;
        if (declared > maxBytes)
        {
            return ValueTask.FromResult(new BodyResult([], TooLong(what, maxBytes, declared)));
        }
        return declared switch
        {
            0 => ValueTask.FromResult(new BodyResult([], null)),
            { } length => ReadExactlyAsync(http, (int)length),
            _ => ReadUpToAsync(http, maxBytes, what),
        };
    }

    /// <summary>For a request that takes no body but may be sent an empty one, or a small one that says nothing.</summary>
    public static bool IsAbsent(HttpContext http) => http.Request.ContentLength is null or 0 && http.Request.Headers.TransferEncoding.Count == 0;

    private static async ValueTask<BodyResult> ReadExactlyAsync(HttpContext http, int length)
    {
        var reader = http.Request.BodyReader;
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        var filled = 0;
        while (true)
        {
            var result = await reader.ReadAsync();
            result.Buffer.CopyTo(bytes.AsSpan(filled));
            filled += (int)result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
            if (filled == length || result.IsCompleted)
            {
                break;
            }
        }
        return filled == length
            ? new BodyResult(bytes, null)
            : new BodyResult([], Problem.BadRequest("the request body ended early") with { ClosesConnection = true });
    }

    private static async ValueTask<BodyResult> ReadUpToAsync(HttpContext http, int maxBytes, string what)
    {
        var reader = http.Request.BodyReader;
        var collected = new ArrayBufferWriter<byte>();
        while (true)
        {
            var result = await reader.ReadAsync();
            if (collected.WrittenCount + result.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(result.Buffer.End);
                return new BodyResult([], TooLong(what, maxBytes, null));
            }
            foreach (var segment in result.Buffer)
            {
                collected.Write(segment.Span);
            }
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return new BodyResult(collected.WrittenSpan.ToArray(), null);
            }
        }
    }

    private static Problem TooLong(string what, int maxBytes, long? length)
    {
        var size = length is { } known ? $"{known} bytes" : $"more than {maxBytes} bytes";
        // A little too much is read past, so that the connection can be used again; more than any request may have is not.
        return Problem.TooLarge($"{what} has {size}; at most {maxBytes} are taken") with
        {
            ClosesConnection = length is not { } bytes || bytes > ApiLimits.MaxRequestBytes,
        };
    }
}
