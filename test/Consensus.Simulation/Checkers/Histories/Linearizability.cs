using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>One call on one object.</summary>
/// <param name="Returned"><see cref="long.MaxValue"/> for a call without an answer: it may take effect at any time after it was made, or never.</param>
/// <param name="What">The model knows what it means.</param>
/// <param name="Alike">Calls without an answer and with the same word here do the same: the one that was made first stands for the others.</param>
public sealed record Call<T>(long Invoked, long Returned, T What, string? Alike = null)
{
    public bool MustTakeEffect => Returned != long.MaxValue;
}

/// <summary>What an object does when it is used by one client alone.</summary>
public interface IObjectModel<TState, TCall>
    where TState : struct, IEquatable<TState>
{
    TState Initial { get; }

    /// <summary>The state after the call, if the call could have been answered in this state as it was.</summary>
    bool TryApply(in TState state, TCall call, out TState next);
}

public enum Verdict
{
    Linearizable,
    NotLinearizable,

    /// <summary>The search took more steps than it was given.</summary>
    Undecided,
}

/// <summary>
/// Is there an order of the calls that agrees with real time and with the model? Wing and Gong's search (1993), with Lowe's memoization of what was reached
/// (2017): pairs of the set of calls that took effect and the state. Of two ways to the same state that settle the same answers, one that spent fewer of the calls
/// without an answer can do all that the other can.
/// </summary>
public static class Linearizability
{
    public const long MaxSteps = 20_000_000;

    public static Verdict Check<TState, TCall>(IObjectModel<TState, TCall> model, IReadOnlyList<Call<TCall>> calls, long maxSteps = MaxSteps)
        where TState : struct, IEquatable<TState> =>
        new Search<TState, TCall>(model, calls).Run(maxSteps);

    /// <summary>Calls and returns in order of time, as a list out of which what took effect is lifted.</summary>
    private sealed class Node(int call, bool isReturn)
    {
        public int Call { get; } = call;

        public bool IsReturn { get; } = isReturn;

        public Node? Match { get; set; }

        public Node? Previous { get; set; }

        public Node? Next { get; set; }

        public void Lift()
        {
            Previous!.Next = Next;
            if (Next is not null)
            {
                Next.Previous = Previous;
            }
        }

        public void PutBack()
        {
            Previous!.Next = this;
            if (Next is not null)
            {
                Next.Previous = this;
            }
        }
    }

    private sealed class Search<TState, TCall>
        where TState : struct, IEquatable<TState>
    {
        private readonly IObjectModel<TState, TCall> _model;
        private readonly IReadOnlyList<Call<TCall>> _calls;
        private readonly Node _head = new(-1, false);
        private readonly ulong[] _marks;
        private readonly Dictionary<(ulong Settled, TState State), List<ulong[]>> _reached = [];
        private readonly int[] _optional;
        private readonly int[] _before;
        private readonly ulong[] _spent;
        private int _owed;

        public Search(IObjectModel<TState, TCall> model, IReadOnlyList<Call<TCall>> calls)
        {
            (_model, _calls) = (model, calls);
            var random = new DeterministicRandom(0x5EED);
            _marks = [.. calls.Select(call => call.MustTakeEffect ? random.NextUInt64() : 0)];
            var optional = 0;
            _optional = [.. calls.Select(call => call.MustTakeEffect ? -1 : optional++)];
            _spent = new ulong[(optional + 63) / 64];
            _before = new int[calls.Count];
            Link();
        }

        public Verdict Run(long maxSteps)
        {
            var state = _model.Initial;
            var done = 0UL;
            var path = new Stack<(Node Call, TState Before)>();
            var node = _head.Next;
            for (long steps = 0; _owed > 0; steps++)
            {
                if (steps == maxSteps)
                {
                    return Verdict.Undecided;
                }
                if (node is { IsReturn: false })
                {
                    if (HasUnspentTwin(node.Call)
                        || !_model.TryApply(state, _calls[node.Call].What, out var next)
                        || !IsNew(node.Call, done ^ _marks[node.Call], next))
                    {
                        node = node.Next;
                        continue;
                    }
                    path.Push((node, state));
                    state = next;
                    done ^= _marks[node.Call];
                    Take(node);
                    node = _head.Next;
                    continue;
                }
                // A return whose call has not taken effect, or the end: what was tried last was wrong.
                if (!path.TryPop(out var last))
                {
                    return Verdict.NotLinearizable;
                }
                state = last.Before;
                done ^= _marks[last.Call.Call];
                Give(last.Call);
                Flip(last.Call.Call);
                node = last.Call.Next;
            }
            return Verdict.Linearizable;
        }

        /// <summary>Marks the call as spent if it is optional, and says whether this way is one that was not worse than one before.</summary>
        private bool IsNew(int call, ulong settled, in TState state)
        {
            Flip(call);
            if (!_reached.TryGetValue((settled, state), out var ways))
            {
                _reached.Add((settled, state), [(ulong[])_spent.Clone()]);
                return true;
            }
            foreach (var way in ways)
            {
                if (IsWithin(way, _spent))
                {
                    Flip(call);
                    return false;
                }
            }
            ways.RemoveAll(way => IsWithin(_spent, way));
            ways.Add((ulong[])_spent.Clone());
            return true;
        }

        private bool HasUnspentTwin(int call) =>
            _before[call] is var number and >= 0 && (_spent[number >> 6] & (1UL << (number & 63))) == 0;

        private void Flip(int call)
        {
            var number = _optional[call];
            if (number >= 0)
            {
                _spent[number >> 6] ^= 1UL << (number & 63);
            }
        }

        private static bool IsWithin(ulong[] few, ulong[] many)
        {
            for (var i = 0; i < few.Length; i++)
            {
                if ((few[i] & ~many[i]) != 0)
                {
                    return false;
                }
            }
            return true;
        }

        private void Take(Node call)
        {
            call.Lift();
            if (call.Match is { } match)
            {
                match.Lift();
                _owed--;
            }
        }

        private void Give(Node call)
        {
            if (call.Match is { } match)
            {
                match.PutBack();
                _owed++;
            }
            call.PutBack();
        }

        private void Link()
        {
            var events = new List<(long At, bool IsReturn, int Call)>();
            for (var i = 0; i < _calls.Count; i++)
            {
                events.Add((_calls[i].Invoked, false, i));
                if (_calls[i].MustTakeEffect)
                {
                    events.Add((_calls[i].Returned, true, i));
                }
            }
            // At equal times calls come first: what touches may overlap.
            events.Sort(static (a, b) => (a.At, a.IsReturn, a.Call).CompareTo((b.At, b.IsReturn, b.Call)));
            var calls = new Node[_calls.Count];
            var alike = new Dictionary<string, int>(StringComparer.Ordinal);
            var tail = _head;
            foreach (var (_, isReturn, call) in events)
            {
                var node = new Node(call, isReturn) { Previous = tail };
                tail.Next = node;
                tail = node;
                if (isReturn)
                {
                    calls[call].Match = node;
                    _owed++;
                }
                else
                {
                    calls[call] = node;
                    _before[call] = -1;
                    if (_calls[call] is { MustTakeEffect: false, Alike: { } word })
                    {
                        _before[call] = alike.GetValueOrDefault(word, -1);
                        alike[word] = _optional[call];
                    }
                }
            }
        }
    }
}
