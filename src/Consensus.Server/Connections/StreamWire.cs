using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace Consensus.Server.Connections;

/// <summary>
/// Both directions of an HTTP/2 connection, with an eye on where streams end. The server calls a request completed when its answer is whole in the stream's pipe, be its client's
/// window closed for ever; that the answer left shows only here.
/// </summary>
internal sealed class StreamWire(IDuplexPipe transport, ConnectionStreams streams) : IDuplexPipe
{
    /// <summary>"PRI * HTTP/2.0", "SM" and their line ends (RFC 9113 §3.4).</summary>
    private const int PrefaceBytes = 24;

    public PipeReader Input { get; } = new Incoming(transport.Input, new StreamEnds(PrefaceBytes, onlyResets: true, streams.Reset));

    public PipeWriter Output { get; } = new Outgoing(transport.Output, streams);

    /// <summary>Serves a connection that speaks HTTP/2.</summary>
    public static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var transport = connection.Transport;
        var streams = new ConnectionStreams();
        connection.Features.Set(streams);
        connection.Transport = new StreamWire(transport, streams);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
            streams.Close();
        }
    }

    private sealed class Incoming(PipeReader inner, StreamEnds ends) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var result = await inner.ReadAsync(cancellationToken);
            _buffer = result.Buffer;
            return result;
        }

        public override bool TryRead(out ReadResult result)
        {
            var isRead = inner.TryRead(out result);
            _buffer = isRead ? result.Buffer : default;
            return isRead;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            foreach (var part in _buffer.Slice(0, consumed))
            {
                ends.Read(part.Span);
            }
            _buffer = default;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
    }

    private sealed class Outgoing : PipeWriter
    {
        private readonly PipeWriter _inner;
        private readonly ConnectionStreams _streams;
        private readonly StreamEnds _ends;

        /// <summary>Ended in what is written and not flushed: until it is, that is the server's memory still.</summary>
        private List<int> _unflushed = [];
        private Memory<byte> _memory;

        public Outgoing(PipeWriter inner, ConnectionStreams streams)
        {
            (_inner, _streams) = (inner, streams);
            _ends = new StreamEnds(skippedBytes: 0, onlyResets: false, stream => _unflushed.Add(stream));
        }

        public override bool CanGetUnflushedBytes => _inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => _inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _memory = _inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void Advance(int bytes)
        {
            _ends.Read(_memory.Span[..bytes]);
            _memory = _memory[bytes..];
            _inner.Advance(bytes);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            var flush = _inner.FlushAsync(cancellationToken);
            if (_unflushed.Count == 0)
            {
                return flush;
            }
            if (!flush.IsCompletedSuccessfully)
            {
                var ended = _unflushed;
                _unflushed = [];
                return WhenFlushedAsync(flush, ended);
            }
            End(_unflushed);
            _unflushed.Clear();
            return flush;
        }

        public override void CancelPendingFlush() => _inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => _inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => _inner.CompleteAsync(exception);

        private async ValueTask<FlushResult> WhenFlushedAsync(ValueTask<FlushResult> flush, List<int> ended)
        {
            var result = await flush;
            End(ended);
            return result;
        }

        private void End(List<int> ended)
        {
            foreach (var stream in ended)
            {
                _streams.End(stream);
            }
        }
    }
}
