using System.Text;

namespace Consensus.Client.Watches;

/// <summary>
/// Reads an event stream (WHATWG HTML §9.2.6) block by block. Unlike a browser it tells blocks without data too: they say that the server is there.
/// </summary>
internal sealed class EventStreamReader(Stream stream, TimeSpan silence) : IDisposable
{
    private readonly StreamReader _lines = new(stream, Encoding.UTF8);

    /// <summary>The next block; null at the end of the stream. A block that the end cuts short is no block.</summary>
    /// <exception cref="TimeoutException">Not a byte came for as long as the reader was given: the server sends a comment every 15 s.</exception>
    public async Task<ServerSentEvent?> ReadAsync(CancellationToken cancellationToken)
    {
        var (name, id) = ("message", (string?)null);
        StringBuilder? data = null;
        while (await ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Length == 0)
            {
                return new ServerSentEvent(data is null ? "" : name, id, data?.ToString() ?? "");
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon == 0)
            {
                continue;
            }
            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? "" : line[(colon + 1 < line.Length && line[colon + 1] == ' ' ? colon + 2 : colon + 1)..];
            switch (field)
            {
                case "event":
                    name = value;
                    break;
                case "id":
                    id = value;
                    break;
                case "data":
                    data = data is null ? new StringBuilder(value) : data.Append('\n').Append(value);
                    break;
                default:
                    break;
            }
        }
        return null;
    }

    public void Dispose() => _lines.Dispose();

    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(silence);
        try
        {
            return await _lines.ReadLineAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The event stream went silent.");
        }
    }
}
