using Consensus.Node.Core.Flow;

namespace Consensus.Server.Http;

/// <summary>
/// A body of more than one part, handed to the connection a slice at a time as its client takes it: the server would else copy all of it into its pipe and, over HTTP/2, call the
/// request completed however little of it was taken.
/// </summary>
/// <param name="budget">Of which it holds bytes until all is handed over.</param>
internal sealed class LargeAnswer(IReadOnlyList<ReadOnlyMemory<byte>> parts, ByteBudget? budget, long held)
{
    /// <summary>The most that is handed over at a time. The connection has so much of its own for it, beside what is in its pipe.</summary>
    public const int SliceBytes = 32 * 1024;

    /// <summary>The same for one stream of an HTTP/2 connection, whose pipe is full at 4 KiB.</summary>
    public const int StreamSliceBytes = 4 * 1024;

    public long Length => parts.Sum(part => (long)part.Length);

    public static int SliceOf(HttpContext http) => HttpProtocol.IsHttp2(http.Request.Protocol) ? StreamSliceBytes : SliceBytes;

    public async Task SendAsync(HttpContext http)
    {
        try
        {
            var slice = SliceOf(http);
            foreach (var part in parts)
            {
                for (var at = 0; at < part.Length; at += slice)
                {
                    var taken = await http.Response.BodyWriter.WriteAsync(part.Slice(at, Math.Min(slice, part.Length - at)), http.RequestAborted);
                    if (taken.IsCompleted || taken.IsCanceled)
                    {
                        return;
                    }
                }
            }
        }
        finally
        {
            LetGo();
        }
    }

    public void LetGo() => budget?.LetGo(held);
}
