using Consensus.Api.Leases;
using Consensus.Client.Holding;

namespace Consensus.Client.Sessions;

/// <summary>
/// What is held under one session as its client knows it, and what the session's news make of that: who lost a hold is told, and what no
/// handle has, and no request that is under way can have been granted, is given back. Thread-safe.
/// </summary>
/// <param name="giveBack">Begins to give one back, in the background; at its end it tells whether that is settled.</param>
internal sealed class SessionHolds(HoldKeeper keeper, Action<HeldPart, Action<bool>> giveBack)
{
    /// <summary>Holds and places that one lease carries; what comes beyond takes a lease of its own.</summary>
    private const int Most = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Entry> _byToken = [];

    /// <summary>Requests that may be granted something, by its name: when each of them began.</summary>
    private readonly Dictionary<HoldName, List<long>> _asked = [];

    /// <summary>Holds that ended before the answers that granted them were heard, with why.</summary>
    private readonly Dictionary<long, (HoldName Of, string Why)> _endedUnheard = [];

    private int _askedCount;
    private long _moment;

    /// <summary>The moment when the last whole list was taken in; 0 before the first.</summary>
    private long _listedAt;

    private bool _mustList;

    /// <summary>What happens is counted, so that news are compared with what was known when they were asked for.</summary>
    public long Moment
    {
        get
        {
            lock (_gate)
            {
                return _moment;
            }
        }
    }

    /// <summary>
    /// Whether something was added of which a whole list that came before its answer may have said, by leaving it out, that it has ended.
    /// True once each time.
    /// </summary>
    public bool TakeMustList()
    {
        lock (_gate)
        {
            (var mustList, _mustList) = (_mustList, false);
            return mustList;
        }
    }

    /// <summary>Whether a handle has something here that it has not given back.</summary>
    public bool HasHandles
    {
        get
        {
            lock (_gate)
            {
                return _byToken.Values.Any(entry => entry.Hold is not null);
            }
        }
    }

    /// <summary>Whether anything with that token is held, as far as is known.</summary>
    public bool Knows(long token)
    {
        lock (_gate)
        {
            return _byToken.ContainsKey(token);
        }
    }

    /// <summary>
    /// Something is being asked for under the session, until the answer is disposed of: what is granted meanwhile may be its. Null when
    /// there is no room for it.
    /// </summary>
    public IDisposable? TryAsk(IReadOnlyList<HoldName> names)
    {
        lock (_gate)
        {
            if (_byToken.Count + _askedCount + names.Count > Most)
            {
                return null;
            }
            var at = ++_moment;
            foreach (var name in names)
            {
                if (!_asked.TryGetValue(name, out var moments))
                {
                    _asked[name] = moments = [];
                }
                moments.Add(at);
            }
            _askedCount += names.Count;
            return new Asked(this, names, at);
        }
    }

    /// <summary>A handle has these from now on.</summary>
    /// <returns>Null; or why one of them has ended already.</returns>
    public string? Add(IReadOnlyList<HeldPart> parts, KeptHold hold)
    {
        lock (_gate)
        {
            string? ended = null;
            foreach (var part in parts)
            {
                if (_endedUnheard.Remove(part.Token, out var early))
                {
                    ended ??= early.Why;
                }
                else
                {
                    _mustList |= !_byToken.ContainsKey(part.Token) && _asked.TryGetValue(part.Of, out var moments) && moments[0] <= _listedAt;
                    _byToken[part.Token] = new Entry(part.Of, ++_moment) { Hold = hold };
                }
            }
            return ended;
        }
    }

    /// <summary>A handle is giving these back by itself.</summary>
    public void BeginRelease(IReadOnlyList<HeldPart> parts)
    {
        lock (_gate)
        {
            foreach (var part in parts)
            {
                if (_byToken.TryGetValue(part.Token, out var entry))
                {
                    (entry.Hold, entry.IsBeingReleased) = (null, true);
                }
            }
        }
    }

    /// <param name="isGone">False: it is tried again when the session is renewed next.</param>
    public void EndRelease(HeldPart part, bool isGone)
    {
        lock (_gate)
        {
            if (isGone)
            {
                _byToken.Remove(part.Token);
            }
            else if (_byToken.TryGetValue(part.Token, out var entry))
            {
                entry.IsBeingReleased = false;
            }
        }
    }

    /// <summary>Nobody wants this one: it is given back in the background, and again should that not succeed.</summary>
    public void Disown(HeldPart part)
    {
        lock (_gate)
        {
            if (!_byToken.TryGetValue(part.Token, out var entry))
            {
                _byToken[part.Token] = entry = new Entry(part.Of, ++_moment);
            }
            entry.Hold = null;
            if (entry.IsBeingReleased)
            {
                return;
            }
            entry.IsBeingReleased = true;
        }
        giveBack(part, isGone => EndRelease(part, isGone));
    }

    /// <summary>Whether something that was known when the whole list was asked for is not in it.</summary>
    public bool IsMissingIn(IReadOnlyList<SessionItem> all, long askedAt)
    {
        lock (_gate)
        {
            return MissingIn(all, askedAt).Any();
        }
    }

    /// <summary>What the session's news say.</summary>
    /// <param name="began">Holds and places that began; of a whole list all that there are.</param>
    /// <param name="askedAt">The <see cref="Moment"/> when they were asked for.</param>
    /// <returns>Places that nobody stands in line with any more.</returns>
    public IReadOnlyList<long> Take(
        IReadOnlyList<SessionEndedItem> ended, IReadOnlyList<SessionItem> began, bool isWhole, long askedAt, SessionNumbers numbers)
    {
        var lost = new List<(KeptHold Hold, string Why)>();
        var unwanted = new List<HeldPart>();
        var forsaken = new List<long>();
        lock (_gate)
        {
            foreach (var item in ended)
            {
                if (item.FencingToken is { } token)
                {
                    TakeEnd(token, new HoldName(item.Kind, item.Name), Sentence(item.Reason), lost);
                }
            }
            if (isWhole)
            {
                TakeMissing(began, askedAt, lost);
                _listedAt = _moment;
            }
            foreach (var item in began)
            {
                if (item.FencingToken is { } token)
                {
                    _byToken.TryAdd(token, new Entry(new HoldName(item.Kind, item.Name), ++_moment));
                }
                else if (item.Seq is { } seq)
                {
                    TakePlace(seq, numbers, forsaken);
                }
            }
            FindUnwanted(unwanted);
        }
        lost.ForEach(end => keeper.EndByCluster(end.Hold, end.Why));
        unwanted.ForEach(part => giveBack(part, isGone => EndRelease(part, isGone)));
        return forsaken;
    }

    private void TakeEnd(long token, HoldName of, string why, List<(KeptHold Hold, string Why)> lost)
    {
        if (_byToken.Remove(token, out var entry))
        {
            if (entry.Hold is { } hold)
            {
                lost.Add((hold, why));
            }
        }
        if (entry?.Hold is null && _asked.ContainsKey(of))
        {
            _endedUnheard[token] = (of, why);
        }
    }

    private void TakeMissing(IReadOnlyList<SessionItem> all, long askedAt, List<(KeptHold Hold, string Why)> lost)
    {
        foreach (var (token, entry) in MissingIn(all, askedAt).ToList())
        {
            TakeEnd(token, entry.Of, "The session does not hold it any more.", lost);
        }
    }

    private IEnumerable<KeyValuePair<long, Entry>> MissingIn(IReadOnlyList<SessionItem> all, long askedAt)
    {
        var there = all.Where(item => item.FencingToken is not null).Select(item => item.FencingToken!.Value).ToHashSet();
        return _byToken.Where(item => item.Value.SeenAt <= askedAt && !there.Contains(item.Key));
    }

    private static void TakePlace(long seq, SessionNumbers numbers, List<long> forsaken)
    {
        if (numbers.IsUnderWay(seq))
        {
            numbers.Place(seq);
        }
        else
        {
            forsaken.Add(seq);
        }
    }

    /// <summary>
    /// What no handle has, unless a request is under way that had begun before it was seen: that one may have been granted it.
    /// </summary>
    private void FindUnwanted(List<HeldPart> unwanted)
    {
        foreach (var (token, entry) in _byToken)
        {
            if (entry.Hold is null && !entry.IsBeingReleased
                && !(_asked.TryGetValue(entry.Of, out var moments) && moments[0] < entry.SeenAt))
            {
                entry.IsBeingReleased = true;
                unwanted.Add(new HeldPart(entry.Of, token));
            }
        }
    }

    private void EndAsk(IReadOnlyList<HoldName> names, long at)
    {
        lock (_gate)
        {
            foreach (var name in names)
            {
                if (_asked.TryGetValue(name, out var moments) && moments.Remove(at))
                {
                    _askedCount--;
                    if (moments.Count == 0)
                    {
                        _asked.Remove(name);
                        foreach (var (token, _) in _endedUnheard.Where(item => item.Value.Of == name).ToList())
                        {
                            _endedUnheard.Remove(token);
                        }
                    }
                }
            }
        }
    }

    private static string Sentence(string reason) => reason switch
    {
        "released" => "It was released by somebody who knew its fencing token (released).",
        "forced" => "It was broken, as an operator may (forced).",
        "held-too-long" => "It was held for as long as its maxHold allows (held-too-long).",
        "handed-over" => "It was handed over to another (handed-over).",
        _ => $"It ended ({reason}).",
    };

    /// <summary>One hold that the cluster has under the session.</summary>
    /// <param name="seenAt">The moment when it was heard of.</param>
    private sealed class Entry(HoldName of, long seenAt)
    {
        public HoldName Of => of;

        public long SeenAt => seenAt;

        /// <summary>Null: no handle has it.</summary>
        public KeptHold? Hold { get; set; }

        public bool IsBeingReleased { get; set; }
    }

    private sealed class Asked(SessionHolds owner, IReadOnlyList<HoldName> names, long at) : IDisposable
    {
        public void Dispose() => owner.EndAsk(names, at);
    }
}
