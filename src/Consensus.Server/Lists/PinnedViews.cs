using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Lists;

/// <summary>
/// The views that cursors refer to: one for each revision, a bounded number, each for a bounded time, so that all pages of a list show one revision while old
/// states do not pile up in memory.
/// </summary>
internal sealed class PinnedViews : IDisposable
{
    public const int Capacity = 32;

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _guard = new();
    private readonly Dictionary<Revision, Pinned> _views = [];
    private readonly TimeProvider _clock;
    private readonly ITimer _sweep;

    private readonly record struct Pinned(StateView View, long At);

    public PinnedViews(TimeProvider clock)
    {
        _clock = clock;
        _sweep = clock.CreateTimer(_ => Sweep(), null, SweepInterval, SweepInterval);
    }

    /// <summary>Keeps the view for its revision from now on; the one pinned longest ago makes room.</summary>
    public void Pin(StateView view)
    {
        lock (_guard)
        {
            RemoveExpired();
            // The view that a cursor may refer to already stays; only its time starts again.
            var kept = _views.TryGetValue(view.Revision, out var pinned) ? pinned.View : view;
            if (_views.Count == Capacity && !_views.ContainsKey(view.Revision))
            {
                _views.Remove(_views.MinBy(entry => entry.Value.At).Key);
            }
            _views[view.Revision] = new Pinned(kept, _clock.GetTimestamp());
        }
    }

    public StateView? Find(Revision revision)
    {
        lock (_guard)
        {
            RemoveExpired();
            return _views.TryGetValue(revision, out var pinned) ? pinned.View : null;
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
        foreach (var (revision, pinned) in _views)
        {
            if (_clock.GetElapsedTime(pinned.At) >= Lifetime)
            {
                _views.Remove(revision);
            }
        }
    }
}
