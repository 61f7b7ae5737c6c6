using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Consensus.Cli;

/// <summary>
/// The signals that tell the program to end. They do not end it by themselves, not even while it is ending: what it has said by then (a token) must not be taken back by an exit code.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as the process: a signal may be told at any time.")]
internal sealed class ProgramSignals
{
    private static readonly (PosixSignal Signal, int Number)[] Ending = [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15)];

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<PosixSignalRegistration> _swallowing = [];
    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile int _number;

    /// <summary>Takes the signals, for as long as the process lives.</summary>
    public ProgramSignals()
    {
        foreach (var (signal, number) in Ending)
        {
            _swallowing.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = true));
            _registrations.Add(PosixSignalRegistration.Create(signal, _ =>
            {
                _number = number;
                _stopping.Cancel();
            }));
        }
    }

    /// <summary>Cancelled by the first of them.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>The number of the last one that came; 0 when none did.</summary>
    public int Number => _number;

    /// <summary>Another takes them from here on. One that came before, and is only being told, still cancels.</summary>
    public void HandOver()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
        _registrations.Clear();
    }
}
