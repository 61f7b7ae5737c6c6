using System.Buffers;
using System.IO.Pipelines;
using Consensus.Primitives;

namespace Consensus.Server.Watches;

/// <summary>Writes one watch to its client, at the client's pace, until one of them ends it.</summary>
internal sealed class WatchStream(WatchHub hub, Watcher watcher, PipeWriter output, CancellationToken aborted)
{
    /// <summary>How much is written before it is seen whether the client takes it.</summary>
    private const int StepBytes = 64 * 1024;

    /// <summary>How many changes of the history are looked at before a newer view is.</summary>
    private const int StepChanges = 20_000;

    private static readonly WatchHistory History = new(StepBytes, StepChanges, WatchMessages.Of);

    private readonly List<WatchMessage> _taken = [];

    /// <param name="first">The first message.</param>
    public async Task RunAsync(ReadOnlyMemory<byte> first)
    {
        await using var registration = aborted.UnsafeRegister(static state => ((WatchStream)state!).WakeUp(), this);
        var goesOn = await WriteAsync(first);
        while (goesOn && !aborted.IsCancellationRequested)
        {
            _taken.Clear();
            switch (hub.Step(watcher, _taken, StepBytes, out var view))
            {
                case WatchStep.Write:
                    goesOn = await WriteTakenAsync();
                    break;
                case WatchStep.ReadHistory when watcher.Next <= view.CompactRevision:
                    await WriteAsync(WatchMessages.Compacted(view.CompactRevision));
                    return;
                case WatchStep.ReadHistory:
                    History.Take(watcher, view, _taken);
                    goesOn = await WriteTakenAsync();
                    break;
                case WatchStep.Sleep:
                    goesOn = await SleepAsync();
                    break;
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
        return !watcher.HasLongSlept || await WriteAsync(WatchMessages.Heartbeat(new Revision(watcher.Next.Value - 1)));
    }

    private async ValueTask<bool> WriteTakenAsync()
    {
        if (_taken.Count == 0)
        {
            return true;
        }
        for (var i = 0; i < _taken.Count - 1; i++)
        {
            output.Write(_taken[i].Bytes);
        }
        return await WriteAsync(_taken[^1].Bytes);
    }

    /// <summary>False when the client takes no more.</summary>
    private async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        var result = await output.WriteAsync(bytes, aborted);
        return !result.IsCompleted && !result.IsCanceled;
    }
}
