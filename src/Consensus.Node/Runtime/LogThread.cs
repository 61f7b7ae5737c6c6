using Consensus.Node.Ports;

namespace Consensus.Node.Runtime;

/// <summary>The thread on which a member's <see cref="LogWriter"/> works.</summary>
internal sealed class LogThread
{
    private readonly Parker _parker = new();
    private readonly LogWriter _writer;
    private readonly Thread _thread;

    public LogThread(LogWriter writer, Action<string, Exception?> fatal)
    {
        _writer = writer;
        _thread = GuardedThread.Of("consensus-log", Run, fatal);
    }

    public void Start() => _thread.Start();

    public void Wake() => _parker.Unpark();

    /// <summary>Once the writer is closed: waits until it has written what waits.</summary>
    public void Join()
    {
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        var hasIdled = false;
        while (true)
        {
            var step = _writer.Next(hasIdled);
            hasIdled = false;
            if (step == LogStep.Sleep)
            {
                hasIdled = _parker.Park(LogWriter.IdleMicros);
            }
            else if (step == LogStep.End || !_writer.Do(step))
            {
                return;
            }
        }
    }
}
