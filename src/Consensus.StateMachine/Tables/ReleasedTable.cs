using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>Released tokens of one object, in their order; no two runs of an object overlap.</summary>
/// <param name="Last">The largest of them: no two runs have the same.</param>
internal readonly record struct ReleasedRun(ObjectName Object, FencingToken Last) : IComparable<ReleasedRun>
{
    public int CompareTo(ReleasedRun other)
    {
        var byObject = Object.CompareTo(other.Object);
        return byObject != 0 ? byObject : Last.CompareTo(other.Last);
    }
}

/// <summary>
/// The released tokens that their objects do not remember themselves: an object keeps its newest few, and puts them here together when there is one too many. So a lock that is
/// passed on thousands of times a second still knows what was released minutes ago, exactly: no token that was lost, and none of another lock, is ever taken for a released one.
/// All objects share one bound, and the oldest tokens go first; an object that is forgotten leaves its tokens here, for they age by themselves.
/// </summary>
internal sealed class ReleasedTable(Limits limits)
{
    /// <summary>A run that would be longer is cut in two.</summary>
    private const int MaxRun = 32;

    private readonly CowTree<ReleasedRun, ImmutableArray<FencingToken>> _primary = new(NewMeasure());
    private readonly CowTree<FencingToken, ObjectName> _byAge = new();

    public TreeSum Sum => _primary.Sum;

    public bool Contains(ObjectName name, FencingToken token) => TryFind(name, token, out _, out var tokens) && tokens.Contains(token);

    /// <summary>Adds tokens that were released, each once, and drops the oldest of all objects while there are too many.</summary>
    public void Add(ObjectName name, ImmutableArray<FencingToken> released)
    {
        var inOrder = released.Sort();
        if (!inOrder.IsEmpty && !TryFind(name, inOrder[0], out _, out _))
        {
            // Nearly always: no run has the smallest or stands behind it, so none has another of them.
            Store(name, inOrder);
        }
        else
        {
            AddEach(name, inOrder);
        }
        while (_primary.Sum.Bytes > limits.MaxReleasedBytes && _byAge.TryFirst(out var last, out var oldest))
        {
            _byAge.Remove(last);
            _primary.Remove(new ReleasedRun(oldest, last));
        }
    }

    public FrozenTree<ReleasedRun, ImmutableArray<FencingToken>> Freeze() => _primary.Freeze();

    private void AddEach(ObjectName name, ImmutableArray<FencingToken> inOrder)
    {
        var newest = ImmutableArray.CreateBuilder<FencingToken>(inOrder.Length);
        foreach (var token in inOrder)
        {
            if (TryFind(name, token, out var run, out var tokens))
            {
                // Somebody who held it beside others, and for longer than those whose tokens are here.
                Insert(run, tokens, token);
            }
            else
            {
                newest.Add(token);
            }
        }
        if (newest.Count > 0)
        {
            Store(name, newest.ToImmutable());
        }
    }

    /// <summary>The run that has the token, if any has it: the first of the object that ends with it or behind it.</summary>
    private bool TryFind(ObjectName name, FencingToken token, out ReleasedRun run, out ImmutableArray<FencingToken> tokens) =>
        _primary.TryFirstFrom(new ReleasedRun(name, token), out run, out tokens) && run.Object == name;

    private void Insert(ReleasedRun run, ImmutableArray<FencingToken> tokens, FencingToken token)
    {
        var index = tokens.BinarySearch(token);
        if (index >= 0)
        {
            return;
        }
        var longer = tokens.Insert(~index, token);
        if (longer.Length > MaxRun)
        {
            Store(run.Object, longer[..(MaxRun / 2)]);
            longer = longer[(MaxRun / 2)..];
        }
        Store(run.Object, longer);
    }

    private void Store(ObjectName name, ImmutableArray<FencingToken> tokens)
    {
        _primary.Set(new ReleasedRun(name, tokens[^1]), tokens);
        _byAge.Set(tokens[^1], name);
    }

    /// <summary>Throws unless the ages are those of the runs, and no two runs of an object overlap.</summary>
    public void Verify()
    {
        Indexes.Require(_byAge, _primary.Peek().All().Select(static item => (item.Key.Last, item.Key.Object)), "the index of released tokens by age");
        ReleasedRun? before = null;
        foreach (var (run, tokens) in _primary.Peek().All())
        {
            var from = before is { } earlier && earlier.Object == run.Object ? earlier.Last : FencingToken.None;
            Invariant.Require(tokens.Length is > 0 and <= MaxRun && tokens[^1] == run.Last, $"the run of the {run.Object} up to {run.Last} is one");
            Invariant.Require(AreAscending(from, tokens), $"the released tokens of the {run.Object} up to {run.Last} are in order");
            before = run;
        }
        Indexes.RequireSums(_primary, NewMeasure(), "the released tokens");
    }

    private static bool AreAscending(FencingToken from, ImmutableArray<FencingToken> tokens)
    {
        foreach (var token in tokens)
        {
            if (token.CompareTo(from) <= 0)
            {
                return false;
            }
            from = token;
        }
        return true;
    }

    private static WrittenForm<ReleasedRun, ImmutableArray<FencingToken>> NewMeasure() => new(Write, SizeOf);

    /// <summary>What a run takes in memory, about, with its place in two trees.</summary>
    private static long SizeOf(ReleasedRun run, ImmutableArray<FencingToken> tokens) => 160 + run.Object.Name.Length + (8L * tokens.Length);

    /// <summary>The message <c>ReleasedRun</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("released tokens");
        public static readonly int Space = Shape.Number(1);
        public static readonly int Name = Shape.Bytes(2);
        public static readonly int Tokens = Shape.Numbers(3);
    }

    public static void Write(WireWriter writer, ReleasedRun run, ImmutableArray<FencingToken> tokens)
    {
        writer.Int64(Saved.Space, (int)run.Object.Space);
        writer.Bytes(Saved.Name, run.Object.Name.Bytes);
        foreach (var token in tokens)
        {
            writer.Int64(Saved.Tokens, token.Value);
        }
    }

    /// <summary>Adds a run as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or is not behind those before it.</summary>
    public void Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var name = new ObjectName(fields.Space(Saved.Space), fields.Key(Saved.Name));
        var tokens = fields.Tokens();
        if (tokens.Length is 0 or > MaxRun || !AreAscending(FencingToken.None, tokens) || TryFind(name, tokens[0], out _, out _))
        {
            throw new WireFormatException($"released tokens of the {name} that are none, too many, or out of order");
        }
        Store(name, tokens);
    }
}
