using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Primitives;

namespace Consensus.Exploration.Search;

/// <summary>Walks from the start by steps drawn from a seed, far beyond the bounds of the exhaustive search: every state on the way keeps the promises.</summary>
internal sealed class RandomWalks(Model model, Wiring wiring, ulong seed)
{
    /// <summary>What is known of steps is forgotten past so many states of members: a walk seldom comes where another was.</summary>
    private const int MostMembersKnown = 100_000;

    private readonly DeterministicRandom _random = new(seed);
    private readonly List<Action> _actions = [];
    private Space _space = new(model, BeyondOf(model.Large), wiring);

    public long Steps { get; private set; }

    /// <summary>One walk of at most <paramref name="length"/> steps; null when every promise was kept.</summary>
    public Finding? Walk(int length)
    {
        if (_space.Steps.Members > MostMembersKnown)
        {
            _space = new Space(model, BeyondOf(model.Large), wiring);
        }
        var path = new List<string>();
        var state = _space.Initial();
        for (var i = 0; i < length; i++)
        {
            _space.ListActions(state, _actions);
            if (_actions.Count == 0)
            {
                // Every member is in the last term, and none of them leads.
                return null;
            }
            var action = _actions[(int)_random.Next(_actions.Count)];
            Steps++;
            path.Add(_space.Describe(state, action));
            try
            {
                state = _space.After(state, action) ?? state;
            }
            catch (Exception broken) when (broken is BrokenPromiseException or InvariantViolationException)
            {
                return new Finding(broken.Message, path);
            }
        }
        return null;
    }

    /// <summary>Bounds that no exhaustive search would come to the end of.</summary>
    private static Bounds BeyondOf(Bounds bounds) => new()
    {
        Term = 12,
        OnTheirWay = 12,
        Restarts = 6,
        Losses = Bounds.AnyNumber,
        Doubles = 15,
        Proposals = bounds.Proposals > 0 ? 10 : 2,
        Reads = bounds.Reads > 0 ? 10 : 2,
        Changes = bounds.Changes,
        Notices = 10,
        Lapses = true,
    };
}
