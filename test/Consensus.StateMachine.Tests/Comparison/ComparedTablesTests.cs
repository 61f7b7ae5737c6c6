using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Comparison;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Model;
using Consensus.StateMachine.Tests.Policies;
using Consensus.StateMachine.Tests.Rules;

namespace Consensus.StateMachine.Tests.Comparison;

/// <summary>What members compare their states by, beside a plain walk over all that there is.</summary>
public sealed class ComparedTablesTests
{
    private static Machine Draw(int seed, out DeterministicRandom random)
    {
        random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        for (var i = 0; i < 250; i++)
        {
            machine.Pass(random.Next(200_000));
            var identity = random.Chance(1, 3) ? $"id{random.Next(30)}" : "";
            machine.Do(DrawnCommands.Draw(random, machine), identity, (byte)random.Next(1, 3), principal: random.Chance(1, 2) ? "ann" : "");
        }
        machine.Do(new AnnounceMemberCommand(new MemberId(3), "n3", 5, "http://c", "p", "1", 0));
        foreach (var name in (string[])["ann", "ben", "eve"])
        {
            machine.Allow(name, Policing.All(name), Policing.Rule(Verbs.Read, Spaces.Keys, "a"));
            machine.Change(new PutRevocationCommand(new Key(Enumerable.Repeat((byte)name[0], 32).ToArray()), name));
            machine.Change(new PutTokenCommand(new string(name[0], 11), new Key(new byte[32]), name, 4, 5));
        }
        // Who waits for that is still to be judged, so that there is a place from which on.
        machine.Granted(Asks.Lock("last", "o", 900));
        machine.Queued(Asks.Lock("last", "p", 901, 60 * Asks.Second));
        machine.Enable();
        return machine;
    }

    [Test]
    public void Any_range_of_any_table_has_the_sum_of_what_stands_in_it([Range(1, 12)] int seed)
    {
        var view = Draw(seed, out var random).View;
        foreach (var table in ComparedTables.Of(view))
        {
            var items = table.Items(default).ToList();
            Assert.That(table.SumOf(default), Is.EqualTo(table.Sum), table.Name);
            AssertOrder(items, table.Name);
            for (var probe = 0; probe < 10 && items.Count > 0; probe++)
            {
                var (from, to) = ((int)random.Next(items.Count), (int)random.Next(items.Count));
                var range = new PlaceRange(items[from].Place, items[to].Place);
                var between = items.Take(to).Skip(from).ToList();
                Assert.That(table.Items(range), Is.EqualTo(between).Using<ComparedItem>(AreEqual), table.Name);
                Assert.That(table.SumOf(range).Digest, Is.EqualTo(SumOf(between)), table.Name);
                Assert.That(table.SumOf(range with { To = null }).Digest, Is.EqualTo(SumOf(items.Skip(from))), table.Name);
                Assert.That(table.Name == "history" || table.SumOf(range).Count == between.Count, table.Name);
            }
        }
    }

    [Test]
    public void The_parts_into_which_a_range_is_cut_are_all_of_it_and_none_is_empty([Range(1, 12)] int seed)
    {
        foreach (var table in ComparedTables.Of(Draw(seed, out var random).View))
        {
            var parts = (int)random.Next(1, 9);
            var cuts = table.Cut(default, parts);
            var sums = RangesOf(default, cuts).Select(table.SumOf).ToList();
            Assert.That(sums.Aggregate((a, b) => a + b), Is.EqualTo(table.Sum), table.Name);
            Assert.That(table.Sum.Count == 0 || sums.TrueForAll(sum => sum.Count > 0), table.Name);
            Assert.That(cuts, Has.Count.LessThan(parts), table.Name);
            if (table.Name != "history")
            {
                Assert.That(cuts, Has.Count.EqualTo(Math.Max(0, Math.Min(parts, table.Sum.Count) - 1)), table.Name);
                Assert.That(sums.Max(sum => sum.Count) - sums.Min(sum => sum.Count), Is.LessThanOrEqualTo(1), table.Name);
            }
        }
    }

    [Test]
    public void The_history_is_cut_between_revisions_even_behind_a_large_one()
    {
        var machine = new Machine();
        var puts = Enumerable.Range(0, 100).Select(i => (TxnOperation)new TxnPut(Machine.Key($"k{i:00}"), default, LeaseId.None));
        machine.Do(new TxnCommand([], [.. puts], []));
        machine.Do(new PutCommand(Machine.Key("last"), default, LeaseId.None, KeyCondition.None));
        var history = ComparedTables.Of(machine.View).Single(table => table.Name == "history");

        var cuts = history.Cut(default, 4);

        Assert.That(RangesOf(default, cuts).Select(range => history.SumOf(range).Count), Is.EqualTo((long[])[100, 1]));
        Assert.That(history.Items(default).Select(item => item.Content[..12]), Is.EqualTo((string[])["key \"k00\" pu", "key \"last\" p"]));
    }

    /// <summary>Whatever the digest covers is in a table that is compared: the fold is that of the tables' own digest.</summary>
    [Test]
    public void The_compared_tables_are_all_that_the_digest_of_a_state_covers([Range(1, 4)] int seed)
    {
        const ulong Factor = 0x9E3779B97F4A7C15UL;
        var view = Draw(seed, out _).View;
        var tables = ComparedTables.Of(view);
        var sum = 0UL;
        var (counters, numbers) = (view.Counters, new List<long>());
        numbers.AddRange([view.Revision.Value, counters.NextWaiter, counters.NextFact, counters.NextKept, view.CompactRevision.Value]);
        numbers.AddRange([counters.Policy.Revision, 1]);
        foreach (var number in numbers)
        {
            sum = (sum * Factor) + (ulong)number;
        }
        foreach (var table in tables.Skip(1))
        {
            sum = (sum * Factor) + table.Sum.Digest;
        }
        Assert.That(StateHash.Initial.Add((long)sum), Is.EqualTo(view.Digest));
        Assert.That(tables[0].Items(default).Select(item => item.Content), Is.EquivalentTo(numbers.Select(number => $"{number}")));
    }

    [Test]
    public void No_item_says_a_value_or_metadata_that_somebody_stored()
    {
        var machine = new Machine();
        machine.Do(new PutCommand(Machine.Key("k"), "SECRET"u8.ToArray(), LeaseId.None, KeyCondition.None), "id");
        machine.Granted(Asks.Lock("l", "a", 5) with { Metadata = "SECRET"u8.ToArray(), Mode = LockMode.Shared });
        machine.Granted(Asks.Lock("m", "a", 6) with { Metadata = "SECRET"u8.ToArray() });
        machine.Queued(Asks.Lock("m", "b", 7, 60 * Asks.Second) with { Metadata = "SECRET"u8.ToArray() });

        var items = ComparedTables.Of(machine.View).SelectMany(table => table.Items(default)).ToList();

        Assert.That(items.Select(item => item.Name), Does.Contain("key \"k\"").And.Contain("lock \"m\"").And.Contain("hold of the lock \"l\" with token 3"));
        Assert.That(items.Select(item => item.Name), Does.Contain("kept answer of request \"id\"").And.Contain("place 1 in the line of the lock \"m\"").And.Contain("lease 6"));
        Assert.That(items.Select(item => item.Name + item.Content), Has.None.Contains("SECRET"));
        Assert.That(items.Single(item => item.Name == "key \"k\"").Content, Is.EqualTo("revision 2, version 1, created at revision 2, 6 bytes"));
    }

    [Test]
    public void What_differs_in_who_may_do_what_is_named()
    {
        var items = ComparedTables.Of(Draw(1, out _).View).SelectMany(table => table.Items(default)).ToDictionary(
            item => item.Name, item => item.Content);
        Assert.That(items["role \"ann\""], Is.EqualTo(
            "read, write, hold, break keys, locks, semaphores, elections, fences prefix \"ann\", read keys name \"a\""));
        Assert.That(items["principal \"ben\""], Is.EqualTo("roles ben"));
        Assert.That(items[$"revoked certificate {string.Concat(Enumerable.Repeat("65", 32))}"], Is.EqualTo("eve"));
        Assert.That(items["token aaaaaaaaaaa"], Is.EqualTo("of \"ann\", family aaaaaaaaaaa, 5 s to 4"), "and nothing of its secret");
        Assert.That(items["those who wait are judged again"], Does.StartWith("from place 0 in the line of the lock "));
        Assert.That((items["policy revision"], items["policy in force"]), Is.EqualTo(("14", "1")));
    }

    [Test]
    public void Places_have_the_order_of_names_that_are_prefixes_of_each_other_and_hold_any_bytes()
    {
        var machine = new Machine();
        foreach (var (name, at) in new[] { "a", "a\0", "a\0\0b", "a\u0001", "ab", "b" }.Select((name, at) => (name, at)))
        {
            machine.Granted(Asks.Shared(name, "o", 10 + at), "id" + name);
            machine.Granted(Asks.Shared(name, "p", 20 + at));
            machine.Queued(Asks.Lock(name, "q", 30 + at, 60 * Asks.Second));
        }
        foreach (var table in ComparedTables.Of(machine.View))
        {
            var items = table.Items(default).ToList();
            AssertOrder(items, table.Name);
            for (var i = 0; i < items.Count; i++)
            {
                Assert.That(table.SumOf(new PlaceRange(null, items[i].Place)).Count, Is.EqualTo(i), $"{table.Name}: a place is read as it was written");
            }
        }
    }

    /// <summary>Tables whose records have names.</summary>
    private static readonly string[] OfAnyBytes = ["counters", "keys", "fences", "roles", "principals", "revocations", "tokens"];

    [Test]
    public void Bytes_that_are_no_place_of_a_table_are_known_as_such()
    {
        foreach (var table in ComparedTables.Of(Draw(1, out _).View))
        {
            Assert.That(table.Items(default).All(item => table.IsPlace(item.Place)), table.Name);
            Assert.That(table.IsPlace(new byte[] { 9 }), Is.EqualTo(OfAnyBytes.Contains(table.Name)), table.Name);
            Assert.That(table.IsPlace(default), Is.EqualTo(OfAnyBytes.Contains(table.Name)), table.Name);
        }
    }

    private static IEnumerable<PlaceRange> RangesOf(PlaceRange whole, IReadOnlyList<ReadOnlyMemory<byte>> cuts)
    {
        var from = whole.From;
        foreach (var cut in cuts)
        {
            yield return new PlaceRange(from, cut);
            from = cut;
        }
        yield return new PlaceRange(from, whole.To);
    }

    private static void AssertOrder(List<ComparedItem> items, string table) => Assert.That(
        items.Zip(items.Skip(1)).All(pair => pair.First.Place.Span.SequenceCompareTo(pair.Second.Place.Span) < 0), $"{table}: places have the order of the records");

    private static ulong SumOf(IEnumerable<ComparedItem> items) => items.Aggregate(0UL, (sum, item) => sum + item.Digest);

    private static bool AreEqual(ComparedItem a, ComparedItem b) => a.Place.Span.SequenceEqual(b.Place.Span) && (a.Digest, a.Name, a.Content) == (b.Digest, b.Name, b.Content);
}
