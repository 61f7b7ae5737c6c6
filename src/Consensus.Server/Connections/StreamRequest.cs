using Microsoft.AspNetCore.Http.Features;

namespace Consensus.Server.Connections;

/// <summary>
/// One request over HTTP/2, counted until it is completed and its answer has left, whichever comes later. The flags and the bytes are guarded by the lock of the memory that counts it.
/// </summary>
/// <param name="number">Of its stream.</param>
/// <param name="bytes">That it holds; its answer comes to them.</param>
/// <param name="hasMuchText">The server keeps finished streams for reuse, with their text.</param>
internal sealed class StreamRequest(StreamMemory memory, HttpContext http, ConnectionStreams connection, int number, int bytes, bool hasMuchText)
{
    public ConnectionStreams Connection => connection;

    public int Number => number;

    public int Bytes { get; set; } = bytes;

    public bool IsCompleted { get; set; }

    public bool HasLeft { get; set; }

    /// <summary>What it held is in use for some seconds longer.</summary>
    public bool Lingers { get; private set; }

    public Task OnCompletedAsync()
    {
        Lingers = hasMuchText || !IsRead();
        // A client that gave it up before it was known here is not heard of again.
        memory.Complete(this, isGivenUp: http.RequestAborted.IsCancellationRequested);
        return Task.CompletedTask;
    }

    /// <summary>Nothing of the request is still to come.</summary>
    private bool IsRead()
    {
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return true;
        }
        try
        {
            var reader = http.Request.BodyReader;
            if (!reader.TryRead(out var rest))
            {
                return false;
            }
            reader.AdvanceTo(rest.Buffer.End);
            return rest.IsCompleted;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // It was reset, or its reader is closed.
            return false;
        }
    }
}
