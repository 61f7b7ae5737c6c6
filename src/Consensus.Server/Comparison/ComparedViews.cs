using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Comparison;

/// <summary>
/// The views at single log indexes that an operator's check compares with those of other members. A view keeps in memory what later writes replaced, so there are few of them, and
/// each is let go soon after the last question about it.
/// </summary>
internal sealed class ComparedViews : IDisposable
{
    public const int Capacity = 4;

    /// <summary>After the last question.</summary>
    public static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(30);

    /// <summary>However much is asked.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>One about which there was a question of ranges within this time is at work, and makes no room.</summary>
    public static readonly TimeSpan WorkTime = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _guard = new();
    private readonly Dictionary<LogIndex, Kept> _views = [];
    private readonly TimeProvider _clock;
    private readonly ITimer _sweep;

    /// <param name="Since">When it was pinned first.</param>
    /// <param name="Asked">The last question.</param>
    /// <param name="IsAtWork">The last question was one of ranges.</param>
    private readonly record struct Kept(StateView View, long Since, long Asked, bool IsAtWork);

    public ComparedViews(TimeProvider clock)
    {
        _clock = clock;
        _sweep = clock.CreateTimer(_ => Sweep(), null, SweepInterval, SweepInterval);
    }

    public int Count
    {
        get
        {
            lock (_guard)
            {
                return _views.Count;
            }
        }
    }

    /// <summary>Keeps the view for questions about ranges. Where there is no room the one makes it that is idle longest; false when all are at work.</summary>
    public bool TryPin(StateView view)
    {
        lock (_guard)
        {
            RemoveExpired();
            var now = _clock.GetTimestamp();
            if (_views.TryGetValue(view.AppliedIndex, out var kept))
            {
                _views[view.AppliedIndex] = kept with { Asked = now };
                return true;
            }
            if (_views.Count == Capacity)
            {
                var idle = _views.Where(entry => !entry.Value.IsAtWork || _clock.GetElapsedTime(entry.Value.Asked, now) >= WorkTime).ToList();
                if (idle.Count == 0)
                {
                    return false;
                }
                _views.Remove(idle.MinBy(entry => entry.Value.Asked).Key);
            }
            _views[view.AppliedIndex] = new Kept(view, now, now, IsAtWork: false);
            return true;
        }
    }

    /// <summary>The view of this index for a question about ranges; null when it is not kept, or not any more.</summary>
    public StateView? Find(LogIndex index)
    {
        lock (_guard)
        {
            RemoveExpired();
            if (!_views.TryGetValue(index, out var kept))
            {
                return null;
            }
            _views[index] = kept with { Asked = _clock.GetTimestamp(), IsAtWork = true };
            return kept.View;
        }
    }

    public void Dispose() => _sweep.Dispose();

    private void Sweep()
    {
        lock (_guard)
        {
            RemoveExpired();
        }
    }

    private void RemoveExpired()
    {
        foreach (var (index, kept) in _views)
        {
            if (_clock.GetElapsedTime(kept.Asked) >= IdleTime || _clock.GetElapsedTime(kept.Since) >= Lifetime)
            {
                _views.Remove(index);
            }
        }
    }
}
