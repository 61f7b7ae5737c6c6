using System.IO.Pipelines;
using Consensus.Primitives;

namespace Consensus.Server.Watches;

/// <summary>Writes one watch to its client, at the client's pace, until one of them ends it.</summary>
/// <param name="sliceBytes">The most that is written before it is seen whether the client takes it: what its connection or stream has room for.</param>
/// <param name="end">Cuts the client off, from any thread.</param>
internal sealed class WatchStream(WatchHub hub, Watcher watcher, PipeWriter output, int sliceBytes, Action end, CancellationToken aborted)
{
    /// <summary>How much is taken at a time, beside one message that goes beyond it.</summary>
    public const int StepBytes = 64 * 1024;

    private readonly MessageWriter _writer = new(hub.Untaken, output, sliceBytes, end, aborted);
    private readonly List<WatchMessage> _taken = [];

    /// <param name="first">The first message.</param>
    public async Task RunAsync(ReadOnlyMemory<byte> first)
    {
        await using var registration = aborted.UnsafeRegister(static state => ((WatchStream)state!).WakeUp(), this);
        var goesOn = await _writer.WriteShortAsync(first);
        while (goesOn && !aborted.IsCancellationRequested)
        {
            _taken.Clear();
            switch (hub.Step(watcher, _taken, StepBytes, out var view))
            {
                case WatchStep.Write:
                    goesOn = await WriteTakenAsync();
                    break;
                case WatchStep.ReadHistory when watcher.Next <= view.CompactRevision:
                    await _writer.WriteShortAsync(WatchMessages.Compacted(view.CompactRevision));
                    return;
                case WatchStep.ReadHistory:
                    hub.History.Take(watcher, view, _taken);
                    goesOn = await WriteTakenAsync();
                    break;
                case WatchStep.Sleep:
                    goesOn = await SleepAsync();
                    break;
                case WatchStep.Forbid:
                    await _writer.WriteShortAsync(WatchMessages.Forbidden());
                    return;
                case WatchStep.End:
                    return;
                default:
                    Invariant.Unreachable<int>(watcher);
                    break;
            }
        }
    }

    private void WakeUp() => hub.Wake(watcher);

    private async ValueTask<bool> SleepAsync()
    {
        // The client may have gone before there was anybody to wake.
        if (aborted.IsCancellationRequested)
        {
            WakeUp();
        }
        await watcher.WaitAsync();
        return !watcher.HasLongSlept || await _writer.WriteShortAsync(WatchMessages.Heartbeat(new Revision(watcher.Next.Value - 1)));
    }

    private async ValueTask<bool> WriteTakenAsync()
    {
        var verdict = await _writer.WriteAsync(_taken);
        if (verdict == WriteVerdict.NoRoom)
        {
            watcher.Next = _taken[0].Revision;
            _taken.Clear();
            await _writer.RoomAsync();
        }
        return verdict != WriteVerdict.Gone;
    }
}
