using System.Runtime.InteropServices;

namespace Consensus.Chaos;

/// <summary>Every signal that politely asks a process to end.</summary>
internal sealed class Signals : IDisposable
{
    private readonly List<PosixSignalRegistration> _registered;

    /// <param name="ended">Given the exit code that a shell expects: 128 and the signal's number.</param>
    public Signals(Action<int> ended) => _registered =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => ended(129)),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => ended(130)),
        PosixSignalRegistration.Create(PosixSignal.SIGQUIT, _ => ended(131)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => ended(143)),
    ];

    public void Dispose() => _registered.ForEach(registered => registered.Dispose());
}
