using Consensus.Primitives;

namespace Consensus.Transport.Dialing;

/// <summary>How long to wait before dialling again: doubles from <paramref name="first"/> to <paramref name="longest"/>, less up to half of it at random.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, ulong seed)
{
    private readonly DeterministicRandom _random = new(seed);
    private TimeSpan? _next;

    public void Reset() => _next = null;

    /// <summary>The next wait, never above <paramref name="atMost"/>.</summary>
    public TimeSpan Next(TimeSpan atMost)
    {
        var now = _next ?? first;
        _next = now * 2 < longest ? now * 2 : longest;
        var whole = now < atMost ? now : atMost;
        return TimeSpan.FromTicks(whole.Ticks - _random.Next((whole.Ticks / 2) + 1));
    }
}
