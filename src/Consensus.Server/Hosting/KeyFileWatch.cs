using System.Runtime.InteropServices;
using Consensus.Storage.Encryption;

namespace Consensus.Server.Hosting;

/// <summary>
/// Looks into the key file every 10 s and on SIGHUP, so that a key is put first without a restart. What is new goes to the log; what is
/// wrong stays an alarm.
/// </summary>
internal sealed class KeyFileWatch : IDisposable
{
    /// <summary>No notification of the file system: it tells nothing of links, mounts and network file systems.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private readonly KeyRing _keys;
    private readonly Action<string> _say;
    private readonly OneAtATime _look;
    private readonly ITimer _timer;
    private readonly PosixSignalRegistration _hangUp;

    public KeyFileWatch(KeyRing keys, TimeProvider time, Action<string> say)
    {
        (_keys, _say, _look) = (keys, say, new OneAtATime(Look));
        _timer = time.CreateTimer(_ => _look.Run(), null, Every, Every);
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            _look.Run();
        });
    }

    public void Dispose()
    {
        _hangUp.Dispose();
        _timer.Dispose();
    }

    private void Look()
    {
        if (_keys.Look() is { } sentence)
        {
            _say(sentence);
        }
    }
}
