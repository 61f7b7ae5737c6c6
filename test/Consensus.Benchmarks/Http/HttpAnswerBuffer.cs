using System.Buffers.Text;
using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Http;

/// <summary>
/// Collects the bytes of one HTTP/1.1 answer (RFC 9112) and cuts it into status and body: <c>Content-Length</c> and chunked bodies,
/// nothing else, since an answer that ends with its connection would end the closed loop anyway.
/// </summary>
internal sealed class HttpAnswerBuffer : AnswerBuffer
{
    private const int LargestBody = 16 * 1024 * 1024;

    public override ParseResult Parse()
    {
        var bytes = Received;
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
        BodyStart = headEnd + 4;
        if (status is 204 or 304)
        {
            return Exactly(BodyStart);
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

        BodyLength = length;
        return Exactly(BodyStart + length);
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
        var position = BodyStart;
        while (true)
        {
            var result = ReadChunkHead(position, out var dataStart, out var size);
            if (result != ParseResult.Complete)
            {
                return result;
            }

            position = dataStart + size + 2;
            if (position > Filled)
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
        var position = BodyStart;
        var length = 0;
        while (ReadChunkHead(position, out var dataStart, out var size) == ParseResult.Complete && size > 0)
        {
            Received.Slice(dataStart, size).CopyTo(Received[(BodyStart + length)..]);
            length += size;
            position = dataStart + size + 2;
        }

        BodyLength = length;
    }

    private ParseResult ReadChunkHead(int position, out int dataStart, out int size)
    {
        dataStart = 0;
        size = 0;
        var rest = Received[position..];
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
    private ParseResult Exactly(int end)
    {
        AnswerEnd = end;
        return Filled < end ? ParseResult.Incomplete : Filled == end ? ParseResult.Complete : ParseResult.Malformed;
    }
}
