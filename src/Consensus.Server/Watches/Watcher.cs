using System.Threading.Tasks.Sources;
using Consensus.Primitives;
using Consensus.Server.Auth;

namespace Consensus.Server.Watches;

/// <summary>
/// One watch: how far it was told, and whether it sleeps. It holds no queue: what it is told next is looked up. Asleep it belongs to the hub's lock, awake to its stream.
/// </summary>
internal sealed class Watcher(WatchGroup group, Revision next) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _woken = new() { RunContinuationsAsynchronously = true };

    public WatchGroup Group { get; } = group;

    /// <summary>What it needs to go on; null where nobody's rights are judged, as by itself the board does not.</summary>
    public StreamRight? Right { get; set; }

    /// <summary>All revisions before it were told, or have nothing to tell.</summary>
    public Revision Next { get; set; } = next;

    /// <summary>Place among the group's sleepers; -1 while awake.</summary>
    public int SleepsAt { get; set; } = -1;

    /// <summary>When it fell asleep, as a timestamp of the hub's clock.</summary>
    public long SleepsSince { get; private set; }

    /// <summary>Woken only because it slept for long: a heartbeat is due.</summary>
    public bool HasLongSlept { get; set; }

    /// <summary>There is nothing for it up to the revision.</summary>
    public void PassOver(Revision revision)
    {
        if (Next <= revision)
        {
            Next = revision.Next;
        }
    }

    public void FallAsleep(int place, long now)
    {
        SleepsAt = place;
        SleepsSince = now;
        HasLongSlept = false;
        _woken.Reset();
    }

    /// <summary>The stream goes on, on the thread pool.</summary>
    public void WakeUp()
    {
        SleepsAt = -1;
        _woken.SetResult(true);
    }

    /// <summary>Until somebody wakes it; once for each time that it fell asleep.</summary>
    public ValueTask WaitAsync() => new(this, _woken.Version);

    void IValueTaskSource.GetResult(short token) => _woken.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _woken.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _woken.OnCompleted(continuation, state, token, flags);
}
