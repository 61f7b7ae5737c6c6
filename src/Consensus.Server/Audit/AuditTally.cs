namespace Consensus.Server.Audit;

/// <summary>
/// Bounds what a flood can have written: within a window the first ones of each asker are records of their own, and the others are counted.
/// Thread-safe.
/// </summary>
/// <param name="whole">Of one asker that are records of their own.</param>
internal sealed class AuditTally(int whole, TimeSpan window, TimeProvider clock)
{
    /// <summary>Askers that are told apart; what the others do is counted together.</summary>
    public const int MostKeys = 256;

    /// <summary>Whom the others' are counted for.</summary>
    public const string Others = "others";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _seen = [];
    private long _began = clock.GetTimestamp();

    /// <summary>False: it is counted.</summary>
    public bool IsWhole(string key)
    {
        lock (_gate)
        {
            if (!_seen.ContainsKey(key) && _seen.Count >= MostKeys)
            {
                _seen[Others] = _seen.GetValueOrDefault(Others, whole) + 1;
                return false;
            }
            var count = _seen.GetValueOrDefault(key) + 1;
            _seen[key] = count;
            return count <= whole;
        }
    }

    /// <summary>How many were counted of whom; nothing while the window is not over, unless it is asked for.</summary>
    public List<(string Key, long Count)> Take(bool atOnce)
    {
        lock (_gate)
        {
            if (_seen.Count == 0 || (!atOnce && clock.GetElapsedTime(_began) < window))
            {
                return [];
            }
            List<(string, long)> counted = [.. _seen.Where(one => one.Value > whole).Select(one => (one.Key, one.Value - whole))];
            _seen.Clear();
            _began = clock.GetTimestamp();
            return counted;
        }
    }
}
