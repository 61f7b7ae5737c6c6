using System.Net;
using System.Net.Sockets;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;

namespace Consensus.Benchmarks.Bulk;

/// <summary>One keep-alive connection whose thread waits for each answer. A connection that broke is dialled again with the next request.</summary>
internal sealed class BlockingClient(IPEndPoint endpoint, TimeSpan limit) : IDisposable
{
    private readonly HttpAnswerBuffer _answer = new();
    private Socket? _socket;

    /// <summary>Of the latest answer; valid until the next request.</summary>
    public ReadOnlySpan<byte> Body => _answer.Body;

    /// <summary>The status of the answer; 0 when there was none within the limit.</summary>
    public int Exchange(ReadOnlySpan<byte> request)
    {
        _answer.Clear();
        try
        {
            _socket ??= Connect();
            while (!request.IsEmpty)
            {
                request = request[_socket.Send(request)..];
            }

            while (true)
            {
                var count = _socket.Receive(_answer.Free);
                _answer.Advance(count);
                switch (count == 0 ? ParseResult.Malformed : _answer.Parse())
                {
                    case ParseResult.Complete:
                        return _answer.Status;
                    case ParseResult.Malformed:
                        Drop();
                        return 0;
                    default:
                        break;
                }
            }
        }
        catch (SocketException)
        {
            // A server that refuses a body may close while the rest of it is still being sent: the answer may be there all the same.
            var status = AnswerThatCame();
            Drop();
            return status;
        }
    }

    public void Dispose() => Drop();

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendTimeout = (int)limit.TotalMilliseconds,
            ReceiveTimeout = (int)limit.TotalMilliseconds,
        };
        try
        {
            socket.Connect(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private int AnswerThatCame()
    {
        try
        {
            while (_socket is { Available: > 0 } socket)
            {
                _answer.Advance(socket.Receive(_answer.Free));
                if (_answer.Parse() == ParseResult.Complete)
                {
                    return _answer.Status;
                }
            }
        }
        catch (SocketException)
        {
            // Nothing more can be had from it.
        }

        return 0;
    }

    private void Drop()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
