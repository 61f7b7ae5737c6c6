using Consensus.Node.Ports;

namespace Consensus.Node.Runtime;

/// <summary>
/// Runs on what a caller does with its answer, on a thread that is cheap to wake. For lone answers only: when there are several, or this thread is
/// still busy, they go to the thread pool, which spreads them over the cores. So no answer waits for another's caller.
/// </summary>
internal sealed class AnswerThread
{
    private const long IdleMicros = 10_000_000;

    private readonly Parker _parker = new();
    private readonly Thread _thread;

    /// <summary>Null only while the thread is free.</summary>
    private IAwaited? _answered;
    private volatile bool _closing;

    /// <param name="fatal">Ends the process.</param>
    public AnswerThread(Action<string, Exception?> fatal) => _thread = GuardedThread.Of("consensus-answer", Run, fatal);

    public void Start() => _thread.Start();

    /// <summary>Whoever has the turn.</summary>
    public void Complete(List<IAwaited> answered)
    {
        if (answered.Count == 1 && !_closing && Interlocked.CompareExchange(ref _answered, answered[0], null) is null)
        {
            _parker.Unpark();
            return;
        }
        foreach (var one in answered)
        {
            one.Complete(inline: false);
        }
    }

    /// <summary>After the last turn.</summary>
    public void Stop()
    {
        _closing = true;
        _parker.Unpark();
        if (_thread.IsAlive && _thread != Thread.CurrentThread)
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        while (!_closing)
        {
            _parker.Park(IdleMicros);
            if (Volatile.Read(ref _answered) is { } answered)
            {
                answered.Complete(inline: true);
                Volatile.Write(ref _answered, null);
            }
        }
        Volatile.Read(ref _answered)?.Complete(inline: false);
    }
}
