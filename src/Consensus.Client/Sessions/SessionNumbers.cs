namespace Consensus.Client.Sessions;

/// <summary>
/// The numbers that the client of one session gives its writes, and up to which one all answers were taken. Never more than the session
/// keeps answers for: who finds no number uses an Idempotency-Key. Thread-safe.
/// </summary>
/// <param name="ended">Is told, with a sentence, that the cluster knows no such session any more.</param>
/// <param name="givenUp">Is told of a number in doubt whose answer nobody waits for any more; it closes the number in the end.</param>
internal sealed class SessionNumbers(string session, Action<string> ended, Action<long> givenUp)
{
    /// <summary>So many unacknowledged numbers a session has (rule 21).</summary>
    public const int Most = 1_000;

    private readonly Lock _gate = new();

    /// <summary>Whose answers are to come, or are not known yet.</summary>
    private readonly SortedSet<long> _open = [];

    /// <summary>
    /// Those that stand in line: the place has the number, and then the hold, so that what is acknowledged may pass them.
    /// </summary>
    private readonly HashSet<long> _placed = [];

    private long _last;

    /// <summary>Hexadecimal id of its lease.</summary>
    public string Session => session;

    /// <summary>Whatever has a number up to this one, its answer was taken, or it stands in line. It only rises.</summary>
    public long Acked
    {
        get
        {
            lock (_gate)
            {
                return AckedNow();
            }
        }
    }

    /// <summary>False when as many are open as may be.</summary>
    public bool TryTake(out long number)
    {
        lock (_gate)
        {
            if (_last - AckedNow() >= Most)
            {
                number = 0;
                return false;
            }
            number = ++_last;
            _open.Add(number);
            return true;
        }
    }

    /// <summary>The answer was taken, or nobody wants it any more: nothing is asked under the number again.</summary>
    public void Close(long number)
    {
        lock (_gate)
        {
            _open.Remove(number);
            _placed.Remove(number);
        }
    }

    /// <summary>A member tells that the number has a place in line.</summary>
    public void Place(long number)
    {
        lock (_gate)
        {
            if (_open.Remove(number))
            {
                _placed.Add(number);
            }
        }
    }

    /// <summary>Whether an answer is still to come, or to be settled.</summary>
    public bool IsUnderWay(long number)
    {
        lock (_gate)
        {
            return _open.Contains(number) || _placed.Contains(number);
        }
    }

    /// <summary>What the next attempt under the number bears. It never acknowledges itself, even where others have passed it.</summary>
    public WriteNumber Mark(long number)
    {
        lock (_gate)
        {
            return new WriteNumber(session, number, Math.Min(AckedNow(), number - 1));
        }
    }

    /// <summary>Nobody waits for the answer any more, and what came of the number is not known.</summary>
    public void GiveUp(long number) => givenUp(number);

    /// <summary>A member says that there is no such session any more.</summary>
    public void End(string why) => ended(why);

    private long AckedNow() => _open.Count == 0 ? _last : _open.Min - 1;
}
