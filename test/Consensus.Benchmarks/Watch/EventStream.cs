using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Consensus.Benchmarks.Generator;

namespace Consensus.Benchmarks.Watch;

/// <summary>One connection with one endless answer, of which only the revision of the last message is looked at.</summary>
internal sealed class EventStream : IDisposable
{
    private const int Kept = 64;
    private static readonly byte[] Buffer = new byte[64 * 1024];

    private readonly Socket _socket;
    private readonly byte[] _tail = new byte[Kept];
    private int _tailLength;

    private readonly byte[] _marker;

    /// <param name="marker">Stands right before each revision.</param>
    public EventStream(IPEndPoint endpoint, byte[] request, byte[] marker)
    {
        _marker = marker;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _socket.Connect(endpoint);
        _socket.Send(request);
        _socket.Blocking = false;
    }

    /// <summary>The last message's revision; 0 before the first.</summary>
    public long LastId { get; private set; }

    public void Register(EventPoll poll, int id) => poll.Add((int)_socket.SafeHandle.DangerousGetHandle(), id);

    /// <summary>Takes what is there. An id that is cut off at the end is found with the next bytes.</summary>
    public void Read()
    {
        _tail.AsSpan(0, _tailLength).CopyTo(Buffer);
        var count = _socket.Receive(Buffer.AsSpan(_tailLength), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        var bytes = Buffer.AsSpan(0, _tailLength + Math.Max(0, count));
        if (error != SocketError.Success || count == 0)
        {
            throw new BenchException($"watchers: a stream ended: {error}; {Encoding.UTF8.GetString(bytes[..Math.Min(400, bytes.Length)])}");
        }

        if (LastId == 0 && bytes.StartsWith("HTTP/1.1 "u8) && !bytes.StartsWith("HTTP/1.1 200"u8))
        {
            throw new BenchException($"watchers: refused: {Encoding.UTF8.GetString(bytes[..Math.Min(400, bytes.Length)]).ReplaceLineEndings(" ")}");
        }

        var at = bytes.LastIndexOf(_marker);
        if (at >= 0 && Utf8Parser.TryParse(bytes[(at + _marker.Length)..], out long id, out var digits) && at + _marker.Length + digits < bytes.Length)
        {
            LastId = id;
        }

        var tail = bytes[^Math.Min(Kept, bytes.Length)..];
        tail.CopyTo(_tail);
        _tailLength = tail.Length;
    }

    public void Dispose() => _socket.Dispose();
}
