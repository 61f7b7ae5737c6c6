using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Primitives;

namespace Consensus.Exploration.Search;

/// <summary>Visits every state within the bounds once, nearest first, so that what it finds is found by a shortest way.</summary>
internal sealed class ExhaustiveSearch(Model model, Bounds bounds, Wiring wiring, int maxStates)
{
    private readonly VisitedStates _visited = new();

    /// <summary>For each state in the order of its visit: the state that it was reached from, and by which of its actions.</summary>
    private readonly List<(int From, ushort Action)> _origins = [];

    private readonly List<Action> _actions = [];
    private long _transitions;

    public Space Space { get; } = new(model, bounds, wiring);

    /// <summary>Called at each new distance from the start with it and the number of states so far.</summary>
    public Action<int, int>? OnDepth { get; init; }

    public SearchResult Run()
    {
        List<int[]> level = [Space.Initial()];
        _visited.Add(level[0]);
        _origins.Add((-1, 0));
        var first = 0;
        for (var depth = 0; ; depth++)
        {
            OnDepth?.Invoke(depth, _visited.Count);
            var next = new List<int[]>();
            for (var i = 0; i < level.Count; i++)
            {
                if (_visited.Count >= maxStates)
                {
                    return Result(depth + 1, isComplete: false);
                }
                if (Expand(level[i], first + i, next) is { } finding)
                {
                    return Result(depth + 1, isComplete: false) with { Finding = finding };
                }
            }
            if (next.Count == 0)
            {
                return Result(depth, isComplete: true);
            }
            first += level.Count;
            level = next;
        }
    }

    private Finding? Expand(int[] state, int number, List<int[]> next)
    {
        Space.ListActions(state, _actions);
        for (var a = 0; a < _actions.Count; a++)
        {
            _transitions++;
            try
            {
                if (Space.After(state, _actions[a]) is { } after && _visited.Add(after))
                {
                    _origins.Add((number, (ushort)a));
                    next.Add(after);
                }
            }
            catch (Exception broken) when (broken is BrokenPromiseException or InvariantViolationException)
            {
                return new Finding(broken.Message, PathTo(number, a));
            }
        }
        return null;
    }

    /// <summary>The steps to a state, and one more: taken again from the start.</summary>
    private List<string> PathTo(int number, int last)
    {
        var choices = new Stack<int>([last]);
        for (var at = number; _origins[at].From >= 0; at = _origins[at].From)
        {
            choices.Push(_origins[at].Action);
        }
        var path = new List<string>();
        var state = Space.Initial();
        while (choices.TryPop(out var choice))
        {
            Space.ListActions(state, _actions);
            path.Add(Space.Describe(state, _actions[choice]));
            if (choices.Count > 0)
            {
                state = Space.After(state, _actions[choice])!;
            }
        }
        return path;
    }

    private SearchResult Result(int depth, bool isComplete) => new(_visited.Count, _transitions, depth, isComplete, null);
}
