using System.Text;

namespace Consensus.Client.Watches;

/// <summary>
/// Reads an event stream (WHATWG HTML §9.2.6) block by block. Unlike a browser it tells blocks without data too: they say that the server is there.
/// </summary>
/// <param name="maxEventChars">A longer block is no answer of a member's: it is not collected.</param>
internal sealed class EventStreamReader(Stream stream, TimeSpan silence, int maxEventChars = EventStreamReader.LargestEvent) : IDisposable
{
    /// <summary>Above the largest message of a member: a revision of 10,000 keys of 1,024 bytes, all escaped, with 8 MiB of what was before them.</summary>
    private const int LargestEvent = 128 << 20;

    private readonly StreamReader _text = new(stream, Encoding.UTF8);
    private readonly char[] _buffer = new char[4096];
    private int _from;
    private int _to;

    /// <summary>A carriage return ended the last line; a line feed right after it belongs to it.</summary>
    private bool _skipsLineFeed;

    /// <summary>The next block; null at the end of the stream. A block that the end cuts short is no block.</summary>
    /// <exception cref="IOException">The stream broke, or the block is too long.</exception>
    /// <exception cref="TimeoutException">Not a byte came for as long as the reader was given: the server sends a comment every 15 s.</exception>
    public async Task<ServerSentEvent?> ReadAsync(CancellationToken cancellationToken)
    {
        var (name, id) = ("message", (string?)null);
        StringBuilder? data = null;
        var room = maxEventChars;
        while (await ReadLineAsync(room, cancellationToken).ConfigureAwait(false) is { } line)
        {
            room -= line.Length;
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

    public void Dispose() => _text.Dispose();

    /// <summary>The next line without its end; null at the end of the stream.</summary>
    private async Task<string?> ReadLineAsync(int maxLength, CancellationToken cancellationToken)
    {
        StringBuilder? begun = null;
        while (_from < _to || await FillAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_skipsLineFeed)
            {
                _skipsLineFeed = false;
                _from += _buffer[_from] == '\n' ? 1 : 0;
                continue;
            }
            var rest = _buffer.AsSpan(_from, _to - _from);
            var end = rest.IndexOfAny('\r', '\n');
            var part = end < 0 ? rest : rest[..end];
            if (part.Length > maxLength - (begun?.Length ?? 0))
            {
                throw new IOException("The event stream has a message that is too large.");
            }
            _from += part.Length;
            if (end < 0)
            {
                begun = (begun ?? new StringBuilder()).Append(part);
                continue;
            }
            _skipsLineFeed = rest[end] == '\r';
            _from++;
            return begun is null ? part.ToString() : begun.Append(part).ToString();
        }
        return begun?.ToString();
    }

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(silence);
        try
        {
            (_from, _to) = (0, await _text.ReadAsync(_buffer, limit.Token).ConfigureAwait(false));
            return _to > 0;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The event stream went silent.");
        }
    }
}
