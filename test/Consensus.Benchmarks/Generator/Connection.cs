using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Generator;

/// <summary>What reading from a connection brought.</summary>
internal enum ReceiveResult
{
    Nothing,
    Answer,
    Broken,
}

/// <summary>One connection that is kept, and carries one request at a time.</summary>
internal sealed unsafe class Connection : IDisposable
{
    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly byte[] _request;

    /// <summary>Connects at once: on loopback a listening server's kernel accepts without the server's doing.</summary>
    /// <param name="answer">Null: of HTTP/1.1.</param>
    public Connection(IPEndPoint endpoint, int requestCapacity = 4096, AnswerBuffer? answer = null)
    {
        Answer = answer ?? new HttpAnswerBuffer();
        _request = new byte[requestCapacity];
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // One send takes a whole request.
            _socket.SendBufferSize = Math.Max(_socket.SendBufferSize, 2 * requestCapacity);
            _socket.Connect(endpoint);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        _descriptor = (int)_socket.SafeHandle.DangerousGetHandle();
    }

    public AnswerBuffer Answer { get; }

    /// <summary>Where the next request is written; <see cref="Send"/> sends it.</summary>
    public Span<byte> Request => _request;

    public void Register(EventPoll poll, int id) => poll.Add(_descriptor, id);

    /// <summary>
    /// Sends the first <paramref name="length"/> bytes of <see cref="Request"/>. False when the connection is broken; a socket buffer that
    /// cannot take one request while no other is in flight counts as that.
    /// </summary>
    public bool Send(int length)
    {
        Answer.Clear();
        fixed (byte* bytes = _request)
        {
            nint sent;
            do
            {
                sent = Libc.Send(_descriptor, bytes, (nuint)length, Libc.DoNotWait | Libc.NoSignal);
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == Libc.Interrupted);
            return sent == length;
        }
    }

    public ReceiveResult Receive()
    {
        var free = Answer.Free;
        nint received;
        fixed (byte* bytes = free)
        {
            received = Libc.Receive(_descriptor, bytes, (nuint)free.Length, Libc.DoNotWait);
        }

        if (received < 0)
        {
            return Marshal.GetLastPInvokeError() is Libc.WouldBlock or Libc.Interrupted ? ReceiveResult.Nothing : ReceiveResult.Broken;
        }

        if (received == 0)
        {
            return ReceiveResult.Broken;
        }

        Answer.Advance((int)received);
        return Parse();
    }

    /// <summary>
    /// Another answer, for which nothing is sent: the one that was there is over. What came with that is not reported as readable again.
    /// </summary>
    public ReceiveResult ReadOn()
    {
        Answer.DropAnswer();
        return Parse();
    }

    public void Dispose() => _socket.Dispose();

    private ReceiveResult Parse() => Answer.Parse() switch
    {
        ParseResult.Complete => ReceiveResult.Answer,
        ParseResult.Incomplete => ReceiveResult.Nothing,
        _ => ReceiveResult.Broken,
    };
}
