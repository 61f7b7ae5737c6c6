using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Chaos.Clients;

/// <summary>One session, as far as its client knows it. Any thread.</summary>
internal sealed class ChaosSession(LeaseId id)
{
    private readonly Lock _gate = new();

    /// <summary>Numbers of which it is not known what came of them; true for those that are known to stand in line.</summary>
    private readonly SortedDictionary<long, bool> _open = [];
    private readonly List<(ObjectName Name, FencingToken Token)> _holds = [];
    private long _next = 1;
    private long _version;
    private volatile bool _isOver;

    public LeaseId Id => id;

    /// <summary>
    /// It has ended, or its client takes it to have: what is not known by then stays unknown, and is never asked under another session.
    /// </summary>
    public bool IsOver => _isOver;

    /// <summary>It knows what came of everything.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _open.Count == 0;
            }
        }
    }

    /// <summary>The version of it that its client knows all of.</summary>
    public long Version
    {
        get
        {
            lock (_gate)
            {
                return _version;
            }
        }
    }

    public void End() => _isOver = true;

    /// <summary>The next number.</summary>
    public SessionRequest Begin()
    {
        lock (_gate)
        {
            _open.Add(_next, false);
            return new SessionRequest(id, _next++, 0);
        }
    }

    /// <summary>What came of it is known, or never will be.</summary>
    public void Closed(long number)
    {
        lock (_gate)
        {
            _open.Remove(number);
        }
    }

    /// <summary>It stands in line: then it may be acknowledged, and is found by its number all the same.</summary>
    public void StandsInLine(long number)
    {
        lock (_gate)
        {
            if (_open.ContainsKey(number))
            {
                _open[number] = true;
            }
        }
    }

    /// <summary>Up to where everything may be acknowledged by a request of this number.</summary>
    public long AckedBelow(long number)
    {
        lock (_gate)
        {
            var lowest = _open.Where(open => !open.Value).Select(open => open.Key).DefaultIfEmpty(_next).First();
            return Math.Min(lowest, number) - 1;
        }
    }

    /// <summary>It believes to hold this.</summary>
    public void Believe(ObjectName name, FencingToken token)
    {
        lock (_gate)
        {
            if (!_holds.Contains((name, token)))
            {
                _holds.Add((name, token));
            }
        }
    }

    /// <summary>One of the holds that it knows of, which it forgets; null when there is none.</summary>
    public (ObjectName Name, FencingToken Token)? Take(DeterministicRandom random)
    {
        lock (_gate)
        {
            if (_holds.Count == 0)
            {
                return null;
            }
            var taken = _holds[(int)random.Next(_holds.Count)];
            _holds.Remove(taken);
            return taken;
        }
    }

    /// <summary>What has ended it believes in no longer, and what it does not know of it gives back as any other.</summary>
    public void Learn(long since, SessionNews news)
    {
        lock (_gate)
        {
            if (since != 0 && since != _version)
            {
                // Another renewal told it more meanwhile.
                return;
            }
            if (since == 0)
            {
                _holds.Clear();
            }
            foreach (var (part, _) in news.Ended)
            {
                _holds.Remove((part.Object, part.Token));
            }
            foreach (var part in news.Began)
            {
                if (part.Token != FencingToken.None && !_holds.Contains((part.Object, part.Token)))
                {
                    _holds.Add((part.Object, part.Token));
                }
                else if (part.Token == FencingToken.None && _open.ContainsKey(part.Number))
                {
                    _open[part.Number] = true;
                }
            }
            _version = news.MustList ? 0 : Math.Max(_version, news.Version);
        }
    }
}
