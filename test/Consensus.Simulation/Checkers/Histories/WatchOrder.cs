using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Watches;
using Consensus.StateMachine;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// A watch is told every change that the log made from where it begins, each once, in order and whole, and nothing else; that something is forgotten only when it is (rule 28).
/// What the log made is known from the reference replica, which keeps it all.
/// </summary>
internal sealed class WatchOrder
{
    public const string Name = "watch order";

    /// <summary>Every change, by revision.</summary>
    private readonly List<Change> _changes = [];

    /// <summary>The newest revision that any member applied.</summary>
    public Revision Revision { get; private set; } = Revision.Initial;

    public Revision CompactRevision { get; private set; }

    /// <summary>The first member applied an entry that made these changes.</summary>
    public void Applied(IEnumerable<Change> changes, Revision revision, Revision compactRevision)
    {
        _changes.AddRange(changes);
        (Revision, CompactRevision) = (revision, compactRevision);
    }

    /// <summary>A watch was opened.</summary>
    /// <param name="from">The first revision that it tells of.</param>
    /// <param name="view">The revision of the state on which that was judged.</param>
    /// <param name="whenAsked">The newest revision when it was asked for.</param>
    public Session Opened(string who, WatchTarget target, Revision from, Revision view, Revision whenAsked)
    {
        Violation.Unless(view >= whenAsked, Name, () => $"{who} was opened on revision {view}, and {whenAsked} was there before it was asked for");
        return new Session(this, who, target, from);
    }

    /// <summary>A watch was refused because its first revisions are forgotten, or told so.</summary>
    public void Compacted(string who, Revision from, Revision compactRevision) => Violation.Unless(
        from <= compactRevision && compactRevision <= CompactRevision,
        Name,
        () => $"{who} is to begin at {from} and was told that all up to {compactRevision} is forgotten; what is forgotten goes up to {CompactRevision}");

    /// <summary>A watch that goes on behind a revision that its client saw was refused as one from the future.</summary>
    public static void InTheFuture(string who, Revision from, Revision view) =>
        Violation.Unless(false, Name, () => $"{who} goes on at {from}, and was told that this is after the next revision: the member is at {view}");

    private static bool Concerns(WatchTarget target, Change change) => change switch
    {
        KeyChange key when target.Kind == WatchKind.Key => key.Key == target.Name,
        KeyChange key when target.Kind == WatchKind.Prefix => key.Key.Bytes.StartsWith(target.Name.Bytes),
        ElectionChange election when target.Kind == WatchKind.Election => election.Name == target.Name,
        _ => false,
    };

    /// <summary>One watch at one member, as its client sees it.</summary>
    internal sealed class Session
    {
        private readonly WatchOrder _order;
        private readonly string _who;
        private readonly WatchTarget _target;
        private int _next;

        public Session(WatchOrder order, string who, WatchTarget target, Revision from)
        {
            (_order, _who, _target) = (order, who, target);
            var (low, high) = (0, order._changes.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = order._changes[middle].Revision < from ? (middle + 1, high) : (low, middle);
            }
            _next = low;
        }

        public override string ToString() => IsComplete ? "complete" : $"revision {_order._changes[_next].Revision} is to be told";

        /// <summary>It was told all there is.</summary>
        public bool IsComplete
        {
            get
            {
                SkipOthers();
                return _next == _order._changes.Count;
            }
        }

        /// <summary>It was told that there is nothing for it up to this revision, beyond what it was told.</summary>
        public void PassedOver(Revision upTo)
        {
            SkipOthers();
            var next = _next;
            Violation.Unless(next == _order._changes.Count || _order._changes[next].Revision > upTo, Name, () =>
                $"{_who} may go on behind {upTo}, and was not told of revision {_order._changes[next].Revision}");
        }

        /// <summary>A message came.</summary>
        public void Told(Revision revision, string text)
        {
            SkipOthers();
            var expected = new List<Change>();
            while (_next < _order._changes.Count && (expected.Count == 0 || _order._changes[_next].Revision == expected[0].Revision))
            {
                if (Concerns(_target, _order._changes[_next]))
                {
                    expected.Add(_order._changes[_next]);
                }
                _next++;
            }
            Violation.Unless(
                expected.Count > 0 && expected[0].Revision == revision && WatchText.Of(expected, _target.WithPrevious) == text,
                Name,
                () => $"{_who} was told of revision {revision}: {text}; what comes next is {(expected.Count == 0 ? "nothing" : $"{expected[0].Revision}: {WatchText.Of(expected, _target.WithPrevious)}")}");
        }

        private void SkipOthers()
        {
            while (_next < _order._changes.Count && !Concerns(_target, _order._changes[_next]))
            {
                _next++;
            }
        }
    }
}
