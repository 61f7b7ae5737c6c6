namespace Consensus.Client.Holding;

/// <summary>
/// Tells that a hold is lost. It lives for as long as something refers to the hold's handle, or to a token or a source of it: when nothing
/// does, nobody works under the hold, and nobody can give it back.
/// </summary>
internal sealed class LossSignal : CancellationTokenSource
{
    private volatile Action<LossSignal>? _leaked;

    ~LossSignal()
    {
        if (_leaked is { } leaked)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static leak => leak.Tell(leak.Signal), (Tell: leaked, Signal: this), preferLocal: false);
        }
    }

    /// <param name="leaked">Is told on a thread of the pool that nothing refers to this any more.</param>
    public void Watch(Action<LossSignal> leaked) => _leaked = leaked;

    /// <summary>Somebody sees to the hold, or it is over.</summary>
    public void Unwatch() => _leaked = null;

    /// <summary>Tells it on the calling thread: what others have registered runs there.</summary>
    public void Tell()
    {
        try
        {
            Cancel();
        }
        catch (AggregateException)
        {
            // What a registered callback throws is its own affair: it must not end the process. The token says that the hold is lost all
            // the same.
        }
    }
}
