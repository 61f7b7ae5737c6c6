using System.Net;
using System.Net.Security;
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
    private readonly SslStream? _tls;

    /// <summary>Connects at once: on loopback a listening server's kernel accepts without the server's doing.</summary>
    /// <param name="answer">Null: of HTTP/1.1.</param>
    /// <param name="tls">Null: it is in the clear.</param>
    public Connection(IPEndPoint endpoint, int requestCapacity = 4096, AnswerBuffer? answer = null,
        SslClientAuthenticationOptions? tls = null)
    {
        Answer = answer ?? new HttpAnswerBuffer();
        _request = new byte[requestCapacity];
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // One send takes a whole request.
            _socket.SendBufferSize = Math.Max(_socket.SendBufferSize, 2 * requestCapacity);
            _socket.Connect(endpoint);
            _tls = tls is null ? null : Secure(tls, endpoint);
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
        if (_tls is not null)
        {
            return SendSecurely(_tls, length);
        }

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
        if (_tls is not null)
        {
            return ReceiveSecurely(_tls);
        }

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

    public void Dispose()
    {
        _tls?.Dispose();
        _socket.Dispose();
    }

    /// <summary>
    /// What a server says after its handshake (session tickets) would be reported as readable though it is no answer. It comes before the
    /// answer to a first request, so that is asked and taken here.
    /// </summary>
    private SslStream Secure(SslClientAuthenticationOptions options, IPEndPoint endpoint)
    {
        var tls = new SslStream(new NetworkStream(_socket));
        tls.AuthenticateAsClient(options);
        tls.Write(RequestWriter.Build("HEAD", "/livez", endpoint.ToString()));
        var head = new byte[4096];
        var count = 0;
        while (!head.AsSpan(0, count).EndsWith("\r\n\r\n"u8))
        {
            count += tls.Read(head, count, head.Length - count) is > 0 and var read
                ? read
                : throw new BenchException($"{endpoint} closed the connection after its handshake");
        }

        return tls;
    }

    /// <summary>Waits until the socket has taken it, which it has room for.</summary>
    private bool SendSecurely(SslStream tls, int length)
    {
        try
        {
            tls.Write(_request, 0, length);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// What was decrypted already is not reported as readable again: so an answer that has begun is read to its end, waiting for the rest
    /// of it.
    /// </summary>
    private ReceiveResult ReceiveSecurely(SslStream tls)
    {
        try
        {
            while (true)
            {
                var received = tls.Read(Answer.Free);
                if (received == 0)
                {
                    return ReceiveResult.Broken;
                }

                Answer.Advance(received);
                if (Parse() is not ReceiveResult.Nothing and var result)
                {
                    return result;
                }
            }
        }
        catch (IOException)
        {
            return ReceiveResult.Broken;
        }
    }

    private ReceiveResult Parse() => Answer.Parse() switch
    {
        ParseResult.Complete => ReceiveResult.Answer,
        ParseResult.Incomplete => ReceiveResult.Nothing,
        _ => ReceiveResult.Broken,
    };
}
