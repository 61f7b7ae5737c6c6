using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Tests.Tables;

/// <summary>Which runs the released tokens of an object are in: replicas and snapshots compare them by their bytes.</summary>
public sealed class ReleasedTableTests
{
    private const int MaxBytes = 6_000;
    private static readonly Limits Bound = new() { MaxReleasedBytes = MaxBytes };

    private static readonly ObjectName[] Names =
    [
        ObjectName.Lock(Machine.Key("a")), ObjectName.Semaphore(Machine.Key("a")), ObjectName.Lock(Machine.Key("ab")),
    ];

    [Test]
    public void Tokens_added_together_are_in_the_runs_in_which_they_are_when_each_is_looked_for([Range(1, 20)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var table = new ReleasedTable(Bound);
        var runs = new List<Run>();
        var held = Names.ToDictionary(name => name, _ => new List<FencingToken>());
        var (appended, inserted, dropped) = (0, 0, 0);
        for (var token = 1; token < 3_000;)
        {
            var name = Names[(int)random.Next(Names.Length)];
            var released = new List<FencingToken>();
            for (var count = random.Next(17); count > 0; count--)
            {
                var given = new FencingToken(token++);
                (random.Chance(1, 12) ? held[name] : released).Add(given);
            }
            if (held[name].Count > 0 && random.Chance(1, 6))
            {
                // It was held beside others and for longer, or comes a second time.
                var at = (int)random.Next(held[name].Count);
                released.Add(held[name][at]);
                if (random.Chance(2, 3))
                {
                    held[name].RemoveAt(at);
                }
            }
            Shuffle(released, random);
            if (released.Count > 0)
            {
                var isBehind = runs.All(run => run.Name != name || run.Last.Value < released.Min().Value);
                (appended, inserted) = isBehind ? (appended + 1, inserted) : (appended, inserted + 1);
            }
            Add(runs, name, released);
            dropped += Trim(runs);
            table.Add(name, [.. released]);
            Assert.That(Written(table), Is.EqualTo(runs.Select(run => Written(run))), $"after {token}");
            Assert.That(table.Sum, Is.EqualTo(Loaded(runs).Sum));
            table.Verify();
        }
        Assert.That(new[] { appended, inserted, dropped }, Has.All.GreaterThan(10), "all ways were gone");
    }

    /// <summary>Each by itself: into the run that ends with it or behind it, and what is behind all runs of its object is a run of its own.</summary>
    private static void Add(List<Run> runs, ObjectName name, List<FencingToken> released)
    {
        var newest = new List<FencingToken>();
        foreach (var token in released.Order())
        {
            if (runs.Find(one => one.Name == name && one.Last.Value >= token.Value) is not { } run)
            {
                newest.Add(token);
            }
            else if (!run.Tokens.Contains(token))
            {
                run.Tokens.Add(token);
                run.Tokens.Sort();
                if (run.Tokens.Count > 32)
                {
                    runs.Add(new Run(name, run.Tokens[..16]));
                    run.Tokens.RemoveRange(0, 16);
                }
            }
            Sort(runs);
        }
        if (newest.Count > 0)
        {
            runs.Add(new Run(name, newest));
            Sort(runs);
        }
    }

    /// <summary>Drops the oldest while there are too many; how many that were.</summary>
    private static int Trim(List<Run> runs)
    {
        var dropped = 0;
        for (; Loaded(runs).Sum.Bytes > MaxBytes; dropped++)
        {
            runs.Remove(runs.MinBy(run => run.Last.Value)!);
        }
        return dropped;
    }

    private static void Sort(List<Run> runs) =>
        runs.Sort(static (a, b) => new ReleasedRun(a.Name, a.Last).CompareTo(new ReleasedRun(b.Name, b.Last)));

    private static ReleasedTable Loaded(List<Run> runs)
    {
        var table = new ReleasedTable(Bound);
        runs.ForEach(run => table.Load(Written(run)));
        return table;
    }

    private static byte[] Written(Run run) => Written(new ReleasedRun(run.Name, run.Last), [.. run.Tokens]);

    private static IEnumerable<byte[]> Written(ReleasedTable table) => table.Freeze().All().Select(run => Written(run.Key, run.Value));

    private static byte[] Written(ReleasedRun run, ImmutableArray<FencingToken> tokens)
    {
        var writer = new WireWriter();
        ReleasedTable.Write(writer, run, tokens);
        return writer.ToArray();
    }

    private static void Shuffle(List<FencingToken> tokens, DeterministicRandom random)
    {
        for (var i = tokens.Count - 1; i > 0; i--)
        {
            var other = (int)random.Next(i + 1);
            (tokens[i], tokens[other]) = (tokens[other], tokens[i]);
        }
    }

    private sealed record Run(ObjectName Name, List<FencingToken> Tokens)
    {
        public FencingToken Last => Tokens[^1];
    }
}
