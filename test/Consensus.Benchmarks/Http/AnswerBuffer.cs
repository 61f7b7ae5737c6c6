using System.Buffers.Text;

namespace Consensus.Benchmarks.Http;

internal enum ParseResult
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>One answer is there, and nothing behind it.</summary>
    Complete,

    /// <summary>These bytes are no answer that a client of HTTP/1.1 without pipelining may get.</summary>
    Malformed,
}

/// <summary>
/// Collects the bytes of one HTTP/1.1 answer (RFC 9112) and cuts it into status and body: <c>Content-Length</c> and chunked bodies,
/// nothing else, since an answer that ends with its connection would end the closed loop anyway.
/// </summary>
internal sealed class AnswerBuffer
{
    private const int LargestBody = 16 * 1024 * 1024;

    private byte[] _bytes = new byte[4096];
    private int _filled;
    private int _bodyStart;
    private int _bodyLength;

    public int Status { get; private set; }

    /// <summary>The body without its chunk framing; valid until <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Body => _bytes.AsSpan(_bodyStart, _bodyLength);

    /// <summary>Everything received so far, for a message about what went wrong; a complete chunked body stands joined at its start.</summary>
    public ReadOnlySpan<byte> Raw => _bytes.AsSpan(0, _filled);

    /// <summary>Where the next received bytes go; <see cref="Advance"/> tells how many came.</summary>
    public Span<byte> Free
    {
        get
        {
            if (_bytes.Length - _filled < 1024)
            {
                Array.Resize(ref _bytes, _bytes.Length * 2);
            }

            return _bytes.AsSpan(_filled);
        }
    }

    public void Advance(int count) => _filled += count;

    public void Clear()
    {
        _filled = 0;
        _bodyLength = 0;
        _bodyStart = 0;
        Status = 0;
    }

    public ParseResult Parse()
    {
        var bytes = _bytes.AsSpan(0, _filled);
        var headEnd = bytes.IndexOf("\r\n\r\n"u8);
        if (headEnd < 0)
        {
            return ParseResult.Incomplete;
        }

        var head = bytes[..(headEnd + 2)];
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[9..], out int status, out var digits) || digits != 3)
        {
            return ParseResult.Malformed;
        }

        Status = status;
        _bodyStart = headEnd + 4;
        if (status is 204 or 304)
        {
            return Exactly(_bodyStart);
        }

        var (length, chunked) = ReadFraming(head);
        if (chunked)
        {
            return ParseChunks();
        }

        if (length is < 0 or > LargestBody)
        {
            return ParseResult.Malformed;
        }

        _bodyLength = length;
        return Exactly(_bodyStart + length);
    }

    private static (int Length, bool Chunked) ReadFraming(ReadOnlySpan<byte> head)
    {
        var length = -1;
        var chunked = false;
        var rest = head[(head.IndexOf("\r\n"u8) + 2)..];
        while (rest.Length > 0)
        {
            var lineEnd = rest.IndexOf("\r\n"u8);
            var line = rest[..lineEnd];
            rest = rest[(lineEnd + 2)..];
            if (IsHeader(line, "content-length:"u8))
            {
                length = Utf8Parser.TryParse(line[15..].Trim((byte)' '), out int value, out _) ? value : -1;
            }
            else if (IsHeader(line, "transfer-encoding:"u8))
            {
                chunked = line.EndsWith("chunked"u8);
            }
        }

        return (length, chunked);
    }

    private static bool IsHeader(ReadOnlySpan<byte> line, ReadOnlySpan<byte> lowerCaseName)
    {
        if (line.Length < lowerCaseName.Length)
        {
            return false;
        }

        for (var i = 0; i < lowerCaseName.Length; i++)
        {
            // Header names hold only letters, '-' and here ':'; 0x20 turns the letters to lower case and leaves those two.
            if ((line[i] | 0x20) != lowerCaseName[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>First walks to the last chunk, and only when all are there moves their contents together.</summary>
    private ParseResult ParseChunks()
    {
        var position = _bodyStart;
        while (true)
        {
            var result = ReadChunkHead(position, out var dataStart, out var size);
            if (result != ParseResult.Complete)
            {
                return result;
            }

            position = dataStart + size + 2;
            if (position > _filled)
            {
                return ParseResult.Incomplete;
            }

            if (size == 0)
            {
                break;
            }
        }

        var ending = Exactly(position);
        if (ending == ParseResult.Complete)
        {
            JoinChunks();
        }

        return ending;
    }

    private void JoinChunks()
    {
        var position = _bodyStart;
        var length = 0;
        while (ReadChunkHead(position, out var dataStart, out var size) == ParseResult.Complete && size > 0)
        {
            _bytes.AsSpan(dataStart, size).CopyTo(_bytes.AsSpan(_bodyStart + length));
            length += size;
            position = dataStart + size + 2;
        }

        _bodyLength = length;
    }

    private ParseResult ReadChunkHead(int position, out int dataStart, out int size)
    {
        dataStart = 0;
        size = 0;
        var rest = _bytes.AsSpan(position, _filled - position);
        var lineEnd = rest.IndexOf("\r\n"u8);
        if (lineEnd < 0)
        {
            return ParseResult.Incomplete;
        }

        if (!Utf8Parser.TryParse(rest[..lineEnd], out size, out _, 'x') || size is < 0 or > LargestBody)
        {
            return ParseResult.Malformed;
        }

        dataStart = position + lineEnd + 2;
        return ParseResult.Complete;
    }

    /// <summary>Bytes behind the answer would belong to a request that was never sent.</summary>
    private ParseResult Exactly(int end) =>
        _filled < end ? ParseResult.Incomplete : _filled == end ? ParseResult.Complete : ParseResult.Malformed;
}
