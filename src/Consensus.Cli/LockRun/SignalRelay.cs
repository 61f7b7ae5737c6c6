using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Consensus.Cli.LockRun;

/// <summary>
/// Takes the signals meant for the command. Before it runs, one of them gives up the wait for the lock; while it runs, they go to its
/// whole process group.
/// </summary>
[SuppressMessage("Usage", "CA2213", Justification = "A signal may be told on another thread while this is disposed of; the source of its token has nothing to free.")]
internal sealed class SignalRelay : IDisposable
{
    private static readonly int[] Relayed =
        [Libc.SigHup, Libc.SigInt, Libc.SigQuit, Libc.SigTerm, Libc.SigUsr1, Libc.SigUsr2];

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _interrupted = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private ProcessGroup? _group;

    public SignalRelay()
    {
        foreach (var signal in Relayed)
        {
            // A raw signal number is a valid argument on Unix.
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                Receive(signal);
            }));
        }
    }

    /// <summary>Cancelled by the first signal that comes before the command runs.</summary>
    public CancellationToken Interrupted => _interrupted.Token;

    /// <summary>The signal that came before the command ran; 0 when none did.</summary>
    public int ReceivedBefore { get; private set; }

    /// <summary>Starts the command, unless a signal came first; from then on signals go to its group.</summary>
    /// <param name="start">Null: it is not to be started any more.</param>
    /// <returns>The started child, or null when a signal came first.</returns>
    public ChildProcess? StartUnlessInterrupted(Func<ChildProcess?> start, out ProcessGroup? group)
    {
        lock (_gate)
        {
            group = null;
            if (ReceivedBefore != 0)
            {
                return null;
            }
            var child = start();
            group = _group = child is null ? null : new ProcessGroup(child.Pid);
            return child;
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    /// <summary>As if it had come here.</summary>
    public void Receive(int signal)
    {
        lock (_gate)
        {
            if (_group is not null)
            {
                _group.Signal(signal);
                return;
            }
            ReceivedBefore = ReceivedBefore == 0 ? signal : ReceivedBefore;
        }
        _interrupted.Cancel();
    }
}
