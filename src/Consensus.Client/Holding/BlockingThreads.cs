namespace Consensus.Client.Holding;

/// <summary>
/// Threads for work that blocks: each on its own, so that neither a busy thread pool nor what one of them waits for delays the others. Made as they are needed, ended when
/// they have been idle.
/// </summary>
/// <param name="most">Threads at a time; what comes beyond waits for one.</param>
internal sealed class BlockingThreads(string name, int most)
{
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
            if (_idle >= _work.Count || _threads == most)
            {
                Monitor.Pulse(_gate);
                return;
            }
            _threads++;
        }
        new Thread(Run) { IsBackground = true, Name = name }.Start();
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
