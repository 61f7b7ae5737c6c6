using System.IO.Pipelines;
using Consensus.Server.Hosting;

namespace Consensus.Server.Tls;

/// <summary>
/// What a client sends, on its way into the handshake: what comes of each piece is computed on the thread pool, by as many at a time as the
/// gate lets through, so that signatures keep neither the threads that wait for sockets nor the processor from those who are known already.
/// Whoever waits for its client holds nobody up. After the handshake it passes everything on.
/// </summary>
internal sealed class HandshakeReader(PipeReader inner, SemaphoreSlim gate) : PipeReader
{
    private bool _isOver;
    private bool _isThrough;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _isOver ? inner.ReadAsync(cancellationToken) : ReadForHandshakeAsync(cancellationToken);

    public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    /// <summary>The handshake is over, one way or the other. Called by whoever computes for it, while nobody reads.</summary>
    public void End()
    {
        _isOver = true;
        LetGo();
    }

    private async ValueTask<ReadResult> ReadForHandshakeAsync(CancellationToken cancellationToken)
    {
        LetGo();
        var result = await inner.ReadAsync(cancellationToken);
        await IoThread.Leave();
        await gate.WaitAsync(cancellationToken);
        _isThrough = true;
        return result;
    }

    private void LetGo()
    {
        if (_isThrough)
        {
            _isThrough = false;
            gate.Release();
        }
    }
}
