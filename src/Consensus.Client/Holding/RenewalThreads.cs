namespace Consensus.Client.Holding;

/// <summary>
/// Threads that send renewals: each blocks on its own, so that neither a busy thread pool nor a silent member delays the others. Made as they are needed, ended when they
/// have been idle.
/// </summary>
internal sealed class RenewalThreads
{
    private const int Most = 16;

    private static readonly TimeSpan IdleFor = TimeSpan.FromSeconds(30);

    private readonly object _gate = new();
    private readonly Queue<Action> _work = new();
    private int _threads;
    private int _idle;

    public void Post(Action work)
    {
        lock (_gate)
        {
            _work.Enqueue(work);
            if (_idle >= _work.Count || _threads == Most)
            {
                Monitor.Pulse(_gate);
                return;
            }
            _threads++;
        }
        new Thread(Run) { IsBackground = true, Name = "consensus-renewal" }.Start();
    }

    private void Run()
    {
        while (Take() is { } work)
        {
            work();
        }
    }

    private Action? Take()
    {
        lock (_gate)
        {
            while (_work.Count == 0)
            {
                _idle++;
                var pulsed = Monitor.Wait(_gate, IdleFor);
                _idle--;
                if (!pulsed && _work.Count == 0)
                {
                    _threads--;
                    return null;
                }
            }
            return _work.Dequeue();
        }
    }
}
