using Consensus.Node.Ports;
using Consensus.Transport.Dialing;

namespace Consensus.Transport.Formation;

/// <summary>Dials one listed member again and again, on a thread of its own, until it is stopped.</summary>
/// <param name="take">Judges each outcome and says in words what is still awaited.</param>
internal sealed class MeetingDialer(
    InitialPeer peer,
    Func<CancellationToken, DialOutcome> dial,
    Backoff backoff,
    Func<InitialPeer, DialOutcome, string> take,
    Action<string, Exception?> fatal) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Signal _wake = new();
    private Thread? _thread;

    public string LatestDetail { get; private set; } = "not dialled yet";

    public void Start()
    {
        _thread = GuardedThread.Of($"meeting {peer.Name}", Run, fatal);
        _thread.Start();
    }

    /// <summary>There is something new to tell or to ask.</summary>
    public void Wake() => _wake.Set();

    public void Stop()
    {
        _stop.Cancel();
        _wake.Set();
    }

    /// <summary>Waits for the thread to end.</summary>
    public void Dispose()
    {
        _thread?.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        while (!_stop.IsCancellationRequested)
        {
            _wake.Reset();
            LatestDetail = take(peer, dial(_stop.Token));
            if (!_stop.IsCancellationRequested)
            {
                _wake.Wait(backoff.Next(TimeSpan.MaxValue));
            }
        }
    }
}
