using Consensus.StateMachine.Snapshots;

namespace Consensus.Node.Runtime;

/// <summary>
/// Rests after each MiB of a snapshot as long as that took, so that commands find half of a core and of the disk free meanwhile. Not a lower priority of
/// the thread: garbage collection has to stop every thread, and would wait for one that gets no turn.
/// </summary>
/// <param name="rest">Returns after the time that it is given.</param>
internal sealed class PacedSink(ISnapshotSink sink, TimeProvider time, Action<TimeSpan> rest) : ISnapshotSink
{
    private const int StepBytes = 1 << 20;
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(100);

    private long _began = time.GetTimestamp();
    private int _bytes;

    public void Section(int kind, ReadOnlySpan<byte> body)
    {
        sink.Section(kind, body);
        _bytes += body.Length;
        if (_bytes < StepBytes)
        {
            return;
        }
        var took = time.GetElapsedTime(_began);
        rest(took < LongestRest ? took : LongestRest);
        _began = time.GetTimestamp();
        _bytes = 0;
    }
}
