namespace Consensus.Client.Transport;

/// <summary>When one operation ends in any case (<see cref="ConsensusClientOptions.SettlesWithin"/>), and what each attempt may take of that.</summary>
/// <param name="wait">What the request itself waits for.</param>
internal readonly struct SettleDeadline(ConsensusClientOptions options, TimeSpan wait, long firstSend)
{
    /// <summary>With less than this another attempt is not worth its while: it would be cut off before a member can answer.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(250);

    /// <summary>A member that has a leader answers within this, so that another one can be asked when one hangs.</summary>
    private static readonly TimeSpan Share = TimeSpan.FromSeconds(1);

    /// <summary>Null: it ends by its answers alone.</summary>
    private TimeSpan? Left => options.SettlesWithin is { } limit ? limit + wait - options.TimeProvider.GetElapsedTime(firstSend) : null;

    public bool HasTimeForAnother => Left is not { } left || left > 2 * Least;

    /// <summary>No longer than leaves time for another attempt.</summary>
    public TimeSpan Shorten(TimeSpan pause) => Left - Least is { } most && pause > most ? most : pause;

    /// <summary>What the next attempt may take. One that waits has all that is left; of another one the endpoints that were not asked yet have their share too.</summary>
    /// <param name="others">Endpoints that have not had their turn.</param>
    /// <param name="longestWait">What of the request's wait one attempt may take.</param>
    public TimeSpan OfAttempt(int others, TimeSpan longestWait = default)
    {
        var usual = longestWait + options.AttemptTimeout;
        if (Left is not { } left)
        {
            return usual;
        }
        var share = wait > TimeSpan.Zero || others <= 0 ? left : Max(left / (others + 1), left < Share ? left : Share);
        return Max(share < usual ? share : usual, Least);
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
