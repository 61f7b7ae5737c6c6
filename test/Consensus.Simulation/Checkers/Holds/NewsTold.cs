using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// The news of a session are complete and true: of the state that they tell of, which is not older than their renewal, every hold and place
/// that ended since the version asked is
/// told, with its name, token, number and reason, every one that began since and is there, and nothing else. What the session's own
/// requests ended by their numbers and by name, these tell.
/// </summary>
/// <param name="limits">Those that members are to have.</param>
internal sealed class NewsTold(Limits limits)
{
    public const string Name = "news of a session";

    private readonly SortedDictionary<LeaseId, Book> _books = [];

    /// <summary>Places under sessions that there are.</summary>
    private readonly Dictionary<(ObjectName Name, string Owner), Item> _places = [];

    /// <summary>Holds under sessions that there are, by token.</summary>
    private readonly Dictionary<long, Item> _holds = [];

    /// <summary>Where renewals stand in the log.</summary>
    private readonly Dictionary<RequestId, LogIndex> _renewals = [];

    /// <summary>News that were judged.</summary>
    public int Judged { get; private set; }

    /// <summary>Ends that were told in them.</summary>
    public int Ends { get; private set; }

    public void Saw(AppliedEntry entry, IReadOnlyList<HoldStep> steps)
    {
        if (entry.Command is GrantLeaseCommand { IsSession: true } grant && entry.Before.GetSession(grant.Id) is null && entry.After.GetSession(grant.Id) is not null)
        {
            _books[grant.Id] = new Book(entry.Index);
        }
        if (entry.Command is RenewLeasesCommand)
        {
            _renewals[entry.Request] = entry.Index;
        }
        if (entry.Command is ExpireCommand or RevokeLeaseCommand or WithdrawCommand)
        {
            foreach (var (id, book) in _books)
            {
                if (book.EndedAt is null && entry.After.GetLease(id) is null)
                {
                    book.EndedAt = entry.Index;
                }
            }
        }
        foreach (var step in steps)
        {
            Saw(entry, step);
        }
    }

    /// <summary>A member told this.</summary>
    /// <param name="since">The version that was asked with.</param>
    /// <param name="renewal">That was answered with it.</param>
    /// <param name="at">Up to where what it tells of is applied.</param>
    public void Told(LeaseId session, long since, RequestId renewal, LogIndex at, SessionNews? news)
    {
        var book = _books[session];
        Violation.Unless(
            _renewals.TryGetValue(renewal, out var renewed) && renewed <= at,
            Name,
            () => $"the news of {session} are of entry {at}, and its renewal is the entry {renewed}");
        var isOver = book.EndedAt <= at;
        Violation.Unless(
            isOver == news is null,
            Name,
            () => $"of the session {session}, which {(isOver ? "had ended" : "was there")} at entry {at}, was told {news}");
        if (news is null)
        {
            return;
        }
        Judged++;
        var version = book.VersionAt(at);
        Violation.Unless(
            news.Version == version,
            Name,
            () => $"the session {session} has the version {version} at entry {at}, and {news.Version} was told");
        var ended = since == 0 ? [] : book.Items.Where(item => item.Reason is not null && item.EndedIn > since && item.EndedIn <= version).Select(Ended).ToHashSet();
        var mustList = since != 0 && ended.Count > limits.MaxSessionEnds;
        Violation.Unless(news.MustList == mustList, Name, () => $"{ended.Count} ended under {session} since {since}, and that all must be listed was {(news.MustList ? "" : "not ")}told");
        Violation.Unless(mustList ? ended.IsSupersetOf(news.Ended) : ended.SetEquals(news.Ended) && ended.Count == news.Ended.Length, Name, () =>
            $"under {session} ended from {since} to {version}: {string.Join(", ", ended)}; told was {string.Join(", ", news.Ended)}");
        Ends += news.Ended.Length;
        var there = book.Items.Where(item => item.BegunIn <= version && (item.EndedIn is null || item.EndedIn > version)).ToList();
        var began = there.Where(item => item.BegunIn > since).Select(item => item.Part).ToHashSet();
        Violation.Unless(began.SetEquals(news.Began) && began.Count == news.Began.Length && news.Next is null, Name, () =>
            $"under {session} there is at {version} what began since {since}: {string.Join(", ", began)}; told was {string.Join(", ", news.Began)}");
        var until = there.Select(item => item.Until).Append(ClusterTime.Never).Min();
        Violation.Unless(
            news.HoldsUntil == until,
            Name,
            () => $"the first hold under {session} that may not be held for ever ends at {until}, and {news.HoldsUntil} was told");
    }

    private static (SessionPart Part, SessionEnd Reason) Ended(Item item) => (item.Part, item.Reason!.Value);

    private void Saw(AppliedEntry entry, HoldStep step)
    {
        foreach (var hold in step.Ended)
        {
            if (_holds.Remove(hold.Token.Value, out var item))
            {
                End(entry, item, item.Session == entry.Session.Session && IsNamed(entry) ? null : ReasonOf(entry, hold));
            }
        }
        foreach (var waiter in step.Before.Waiters)
        {
            if (step.After.Waiters.All(other => other.Owner != waiter.Owner) && _places.Remove((step.Name, waiter.Owner), out var item))
            {
                if (step.Begun.FirstOrDefault(hold => hold.Owner == waiter.Owner) is { } hold)
                {
                    // One step for both: what there is from now on is the hold.
                    item.EndedIn = Begin(entry, hold, item.Part.Number).BegunIn;
                }
                else
                {
                    End(entry, item, ReasonOf(entry, item, waiter));
                }
            }
        }
        foreach (var hold in step.Begun.Where(hold => !_holds.ContainsKey(hold.Token.Value) && _books.ContainsKey(hold.Lease)))
        {
            Begin(entry, hold, 0);
        }
        if (entry.Command is AcquireCommand ask && ask.Object == step.Name && _books.TryGetValue(ask.SharedLease, out var book))
        {
            foreach (var waiter in step.After.Waiters.Where(
                waiter => waiter.Owner == ask.Owner && step.Before.Waiters.All(other => other.Owner != waiter.Owner)))
            {
                var place = new SessionPart(
                    step.Name, FencingToken.None, entry.Session.Session == ask.SharedLease ? entry.Session.Number : 0);
                _places[(step.Name, ask.Owner)] = book.Begin(entry.Index, ask.SharedLease, place, ClusterTime.Never);
            }
        }
    }

    private Item Begin(AppliedEntry entry, Hold hold, long number) =>
        _holds[hold.Token.Value] = _books[hold.Lease].Begin(
            entry.Index, hold.Lease, new SessionPart(hold.Object, hold.Token, number), hold.HoldUntil);

    private void End(AppliedEntry entry, Item item, SessionEnd? reason)
    {
        var book = _books[item.Session];
        if (book.EndedAt is null)
        {
            (item.EndedIn, item.Reason) = (book.Rise(entry.Index), reason);
        }
    }

    /// <summary>Who breaks whatever hold there is, is not told which.</summary>
    private static bool IsNamed(AppliedEntry entry) => entry.Command is not ReleaseHoldCommand { Force: true, Token.Value: 0 };

    private static SessionEnd ReasonOf(AppliedEntry entry, Hold hold) => entry.Command switch
    {
        ReleaseHoldCommand { Force: true } => SessionEnd.Forced,
        HandOverCommand over when over.Token == hold.Token => SessionEnd.HandedOver,
        ExpireCommand => SessionEnd.HeldTooLong,
        _ => SessionEnd.Released,
    };

    private static SessionEnd ReasonOf(AppliedEntry entry, Item place, WaiterInfo waiter) => entry.Command switch
    {
        ExpireCommand when waiter.WaitDeadline <= entry.Stamp => SessionEnd.WaitOver,
        SettleCommand settle when settle.Session == place.Session && settle.Number == place.Part.Number => SessionEnd.GivenUp,
        _ when waiter.Count > entry.After.GetObject(place.Part.Object).Permits && place.Part.Object.Space == HoldSpace.Semaphore => SessionEnd.Refused,
        _ => SessionEnd.GivenUp,
    };

    /// <summary>A hold or a place, and the versions of its session with which it began and ended.</summary>
    private sealed class Item(LeaseId session, SessionPart part, long begunIn, ClusterTime until)
    {
        public LeaseId Session { get; } = session;

        public SessionPart Part { get; } = part;

        public long BegunIn { get; } = begunIn;

        public ClusterTime Until { get; } = until;

        public long? EndedIn { get; set; }

        /// <summary>Null for one that has not ended, or of whose end nobody need be told.</summary>
        public SessionEnd? Reason { get; set; }
    }

    /// <summary>One session: its version rises by one whenever something under it begins or ends.</summary>
    private sealed class Book(LogIndex begunAt)
    {
        private readonly List<(LogIndex Index, long Version)> _versions = [(begunAt, 0)];

        public List<Item> Items { get; } = [];

        public LogIndex? EndedAt { get; set; }

        public long Rise(LogIndex index)
        {
            _versions.Add((index, _versions[^1].Version + 1));
            return _versions[^1].Version;
        }

        public Item Begin(LogIndex index, LeaseId session, SessionPart part, ClusterTime until)
        {
            var item = new Item(session, part, Rise(index), until);
            Items.Add(item);
            return item;
        }

        public long VersionAt(LogIndex index) => _versions.FindLast(step => step.Index <= index).Version;
    }
}
