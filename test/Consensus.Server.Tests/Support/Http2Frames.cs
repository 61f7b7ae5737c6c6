using System.Buffers.Binary;
using System.Text;

namespace Consensus.Server.Tests.Support;

/// <summary>Frames of HTTP/2 (RFC 9113 §4) by hand: client libraries keep the rules that are to be broken.</summary>
internal static class Http2Frames
{
    public const byte Data = 0, Headers = 1, ResetType = 3, SettingsType = 4, GoAwayType = 7, WindowUpdateType = 8;
    public const byte EndStream = 1, EndHeaders = 4;

    /// <summary>How a connection begins: the preface and settings that change nothing.</summary>
    public static byte[] Opening => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(SettingsType, 0, 0, [])];

    /// <summary>The same, with a window for every answer of this many bytes (RFC 9113 §6.5.2).</summary>
    public static byte[] OpeningWithWindow(int bytes)
    {
        const int InitialWindowSize = 4;
        var setting = new byte[6];
        setting[1] = InitialWindowSize;
        BinaryPrimitives.WriteInt32BigEndian(setting.AsSpan(2), bytes);
        return [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(SettingsType, 0, 0, setting)];
    }

    /// <param name="scheme">What the connection is said to have.</param>
    public static byte[] Get(int stream, string path, string accept = "*/*", string scheme = "http") => Frame(
        Headers,
        EndHeaders | EndStream,
        stream,
        [
            .. Field(":method", "GET"), .. Field(":scheme", scheme), .. Field(":authority", "localhost"), .. Field(":path", path),
            .. Field("accept", accept),
        ]);

    /// <summary>A request with its body, which is to be smaller than the server's windows.</summary>
    public static byte[] Post(int stream, string path, string body)
    {
        const int MostOfFrame = 16 * 1024;
        var bytes = Encoding.UTF8.GetBytes(body);
        return
        [
            .. Frame(
                Headers,
                EndHeaders,
                stream,
                [.. Field(":method", "POST"), .. Field(":scheme", "http"), .. Field(":authority", "localhost"), .. Field(":path", path)]),
            .. bytes.Chunk(MostOfFrame).SelectMany(part => Frame(Data, 0, stream, part)),
            .. Frame(Data, EndStream, stream, []),
        ];
    }

    /// <summary>Of a stream, or of the whole connection as stream 0.</summary>
    public static byte[] WindowUpdate(int stream, int bytes)
    {
        var payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, bytes);
        return Frame(WindowUpdateType, 0, stream, payload);
    }

    /// <summary>Its client gives the stream up.</summary>
    public static byte[] Reset(int stream)
    {
        const int Cancel = 8;
        var payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, Cancel);
        return Frame(ResetType, 0, stream, payload);
    }

    /// <summary>The head of a request whose body is still to come, with a header of this many bytes that says nothing.</summary>
    public static byte[] Put(int stream, string path, int declared, int paddingBytes, string scheme = "http") => Frame(
        Headers,
        EndHeaders,
        stream,
        [
            .. Field(":method", "PUT"), .. Field(":scheme", scheme), .. Field(":authority", "localhost"), .. Field(":path", path),
            .. Field("content-length", declared.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            .. Field("x-padding", new string('x', paddingBytes)),
        ]);

    public static byte[] Body(int stream, int bytes, bool isLast) => Frame(Data, isLast ? EndStream : (byte)0, stream, new byte[bytes]);

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(0), payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>A literal that is not indexed, with a new name (RFC 7541 §6.2.2).</summary>
    private static byte[] Field(string name, string value) => [0, .. Text(name), .. Text(value)];

    /// <summary>Without Huffman coding; the length with a prefix of seven bits (RFC 7541 §5).</summary>
    private static byte[] Text(string text)
    {
        var length = new List<byte>();
        const int Prefix = 127;
        if (text.Length < Prefix)
        {
            length.Add((byte)text.Length);
        }
        else
        {
            length.Add(Prefix);
            var rest = text.Length - Prefix;
            for (; rest >= 128; rest /= 128)
            {
                length.Add((byte)((rest % 128) + 128));
            }
            length.Add((byte)rest);
        }
        return [.. length, .. Encoding.ASCII.GetBytes(text)];
    }
}
