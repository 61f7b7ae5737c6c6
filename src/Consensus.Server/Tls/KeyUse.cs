using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace Consensus.Server.Tls;

/// <summary>
/// What the keys of one connection may be used for. AES-GCM wants another key before 2^24.5 records, and nothing under here changes one by
/// itself. With one of these the connection ends between two requests; with twice as much it is cut off, for a stream may have no end.
/// </summary>
/// <param name="Records">That are sent.</param>
/// <param name="Bytes">In either direction. A client that puts little into each record wears out its own key alone.</param>
internal sealed record KeyLimits(long Records = 1 << 23, long Bytes = 64L << 30);

/// <summary>
/// Counts below TLS what the keys of one connection were used for, and cuts it off in time. One thread reads, one writes.
/// </summary>
internal sealed class KeyUse(KeyLimits limits, ConnectionContext connection)
{
    /// <summary>More than TLS makes of the 16 KiB that a record holds at most.</summary>
    private const int RecordBytes = (16 * 1024) + 256;

    private long _records;
    private long _sentBytes;
    private long _receivedBytes;
    private volatile bool _isMuch;
    private int _isCutOff;

    /// <summary>The connection is to end after the next answer.</summary>
    public bool IsMuch => _isMuch;

    /// <summary>The connection's wire, counted.</summary>
    /// <param name="input">What comes from it.</param>
    public IDuplexPipe Of(PipeReader input, PipeWriter output) => new Wire(new Reader(this, input), new Writer(this, output));

    private void Sent(long bytes)
    {
        _records += Math.Max(1, (bytes + RecordBytes - 1) / RecordBytes);
        _sentBytes += bytes;
        Look(_records, _sentBytes);
    }

    private void Received(long bytes)
    {
        _receivedBytes += bytes;
        Look(0, _receivedBytes);
    }

    private void Look(long records, long bytes)
    {
        _isMuch |= records >= limits.Records || bytes >= limits.Bytes;
        if ((records >= 2 * limits.Records || bytes >= 2 * limits.Bytes) && Interlocked.Exchange(ref _isCutOff, 1) == 0)
        {
            // On another thread: whoever writes holds locks that the connection's end asks for.
            ThreadPool.UnsafeQueueUserWorkItem(static use => use.CutOff(), this, preferLocal: false);
        }
    }

    private void CutOff() => connection.Abort(new ConnectionAbortedException("its keys were used for as much as they may"));

    private sealed record Wire(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Reader(KeyUse use, PipeReader inner) : PipeReader
    {
        private ReadOnlySequence<byte> _buffer;

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var read = inner.ReadAsync(cancellationToken);
            return read.IsCompletedSuccessfully ? new ValueTask<ReadResult>(Keep(read.Result)) : KeepAsync(read);
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
            var count = _buffer.Slice(0, consumed).Length;
            _buffer = default;
            inner.AdvanceTo(consumed, examined);
            use.Received(count);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        private async ValueTask<ReadResult> KeepAsync(ValueTask<ReadResult> read) => Keep(await read);

        private ReadResult Keep(ReadResult result)
        {
            _buffer = result.Buffer;
            return result;
        }
    }

    private sealed class Writer(KeyUse use, PipeWriter inner) : PipeWriter
    {
        private long _unflushed;

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override void Advance(int bytes)
        {
            _unflushed += bytes;
            inner.Advance(bytes);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            if (_unflushed > 0)
            {
                use.Sent(_unflushed);
                _unflushed = 0;
            }
            return inner.FlushAsync(cancellationToken);
        }

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            use.Sent(_unflushed + source.Length);
            _unflushed = 0;
            return inner.WriteAsync(source, cancellationToken);
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);
    }
}
