using System.Collections.Immutable;
using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Transactions;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>What a transaction read is not kept for its retries: it is read again in the past, exactly, or said to be omitted.</summary>
public sealed class TxnReadsTests
{
    private static readonly string[] Names = ["a", "a/b", "a/c", "b", "c"];
    private static readonly string[] Prefixes = ["", "a", "a/", "b", "x"];

    private static TxnCommand Txn(params TxnOperation[] success) => new([], [.. success], []);

    private static TxnPut Put(string key, string value = "new") => new(Machine.Key(key), Encoding.UTF8.GetBytes(value), LeaseId.None);

    private static TxnDelete Delete(string key) => new(Machine.Key(key), IsPrefix: false);

    private static TxnDelete DeletePrefix(string prefix) => new(Machine.Key(prefix), IsPrefix: true);

    private static TxnGet Get(string key) => new(Machine.Key(key), IsPrefix: false, 0);

    private static TxnGet GetPrefix(string prefix, long limit = 0) => new(Machine.Key(prefix), IsPrefix: true, limit);

    private static void Write(Machine machine, params string[] keys)
    {
        foreach (var key in keys)
        {
            machine.Do(new PutCommand(Machine.Key(key), "old"u8.ToArray(), LeaseId.None, KeyCondition.None));
        }
    }

    private static TxnDone Again(Machine machine, TxnCommand command)
    {
        var kept = (TxnDone)machine.Do(command, "id");
        Assert.That(kept.Results.OfType<TxnGetResult>(), Is.Empty, "nothing that was read is kept");
        return TxnReads.ReadAgain(command, kept, machine.View);
    }

    private static IEnumerable<string> Text(TxnDone done) => done.Results.Select(result => result switch
    {
        TxnGetResult get => $"{get.Count}: {string.Join(" ", get.Items.Select(i => $"{i.Key}={Encoding.UTF8.GetString(i.Record.Value.Span)} {i.Record with { Value = default }}"))}",
        TxnGetNotKept => "omitted",
        _ => result.ToString(),
    });

    private static IEnumerable<TestCaseData> Exact()
    {
        yield return Case("a key before it is put", Get("a"), Put("a"));
        yield return Case("a key after it is put", Put("a"), Get("a"));
        yield return Case("a key before it is deleted", Get("a"), Delete("a"));
        yield return Case("a key after it is deleted", Delete("a"), Get("a"), Put("b"));
        yield return Case("a key before its prefix is deleted", Get("a/b"), DeletePrefix("a"));
        yield return Case("a prefix before keys below it", GetPrefix("a"), Put("a/new"), Delete("a/b"));
        yield return Case("a prefix before all of it is deleted", GetPrefix("a/"), DeletePrefix(""));
        yield return Case("a prefix after keys below it", Put("a/new"), Delete("a/b"), GetPrefix("a"));
        yield return Case("a prefix beside what is written elsewhere", Put("b"), GetPrefix("a"), Put("c"));
        yield return Case("a prefix cut at its limit", Put("a/a"), GetPrefix("a", limit: 2), GetPrefix("", limit: 1));
        yield return Case("a prefix amid writes to it", Put("a/b"), GetPrefix("a"), Get("b"), Delete("a/c"), Put("a/new"), GetPrefix("a"), DeletePrefix("b"), GetPrefix(""));
        yield return Case("a prefix amid writes to it, cut", Put("a/b"), GetPrefix("a", limit: 3), Delete("a"), Put("a/a"), GetPrefix("", limit: 4));
        yield return Case("what is not there", Put("b"), Get("none"), GetPrefix("x"), Put("x/1"));
        yield return Case("deletions of nothing", GetPrefix("a"), Delete("a/none"), Put("b"));

        static TestCaseData Case(string name, params TxnOperation[] operations) => new TestCaseData(Txn(operations)).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Exact))]
    public void A_get_is_read_again_as_it_saw_the_keys_amid_the_writes_of_its_transaction(TxnCommand command)
    {
        var machine = new Machine();
        Write(machine, Names);
        var first = (TxnDone)machine.Do(command, "id");
        Write(machine, Names);
        machine.Do(new DeletePrefixCommand(default));
        machine.RestoreFromSnapshot();
        Assert.That(Text(Again(machine, command)), Is.EqualTo(Text(first)));
    }

    [Test]
    public void What_is_compacted_is_omitted_and_what_was_found_empty_is_known_all_the_same()
    {
        var machine = new Machine();
        Write(machine, Names);
        var command = Txn(Get("a"), Put("b"), GetPrefix("a"), Get("none"), GetPrefix("b"), Put("a/b"));
        var revision = ((TxnDone)machine.Do(command, "id")).Revision;
        Write(machine, Names);
        machine.Do(new CompactCommand(revision));
        Assert.That(
            Again(machine, command).Results.Select(r => r.GetType().Name),
            Is.EqualTo(new[] { "TxnGetResult", "TxnPutResult", "TxnGetNotKept", "TxnGetResult", "TxnGetResult", "TxnPutResult" }),
            "at the transaction's own revision the past is known, at the one before it is not");
        machine.Do(new CompactCommand(revision.Next));
        Assert.That(
            Again(machine, command).Results.Select(r => r.GetType().Name),
            Is.EqualTo(new[] { "TxnGetNotKept", "TxnPutResult", "TxnGetNotKept", "TxnGetResult", "TxnGetNotKept", "TxnPutResult" }));
    }

    [Test]
    public void A_prefix_that_was_cut_where_the_answer_was_full_is_cut_there_again()
    {
        var machine = new Machine(new Limits { MaxTxnGetBytes = 20, MaxTxnGetItems = 3 });
        Write(machine, Names);
        var command = Txn(Put("d"), GetPrefix("a"), GetPrefix(""), GetPrefix("b"));
        var first = (TxnDone)machine.Do(command, "id");
        Assert.That(first.Results.OfType<TxnGetResult>().Select(get => (get.Items.Length, get.Count)), Is.EqualTo(new[] { (3, 3L), (1, 6L), (0, 1L) }));
        Write(machine, Names);
        Assert.That(Text(Again(machine, command)), Is.EqualTo(Text(first)));
    }

    [Test]
    public void A_view_from_before_the_transaction_tells_nothing_of_it()
    {
        var machine = new Machine();
        Write(machine, "a");
        var before = machine.View;
        var command = Txn(Put("b"), Get("a"));
        machine.Do(command, "id");
        var kept = (TxnDone)machine.Do(command, "id");
        Assert.That(TxnReads.ReadAgain(command, kept, before), Is.EqualTo(kept));
        Assert.That(TxnReads.Lacks(kept));
        Assert.That(TxnReads.Lacks(TxnReads.ReadAgain(command, kept, machine.View)), Is.False);
    }

    [Test]
    public void Drawn_transactions_are_read_again_exactly([Range(1, 60)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine(new Limits { MaxTxnGetBytes = 60, MaxTxnGetItems = 4 });
        var gets = 0;
        for (var i = 0; i < 60; i++)
        {
            Write(machine, Drawn(random, Names), Drawn(random, Names));
            var command = Txn([.. Branch(random)]);
            var identity = $"id{i}";
            if (machine.Do(command, identity) is not TxnDone first || !first.Results.Any(r => r is TxnPutResult or TxnDeleteResult { Deleted: > 0 }))
            {
                continue;
            }
            machine.Do(new DeletePrefixCommand(Machine.Key(Drawn(random, Prefixes))));
            var again = TxnReads.ReadAgain(command, (TxnDone)machine.Do(command, identity), machine.View);
            Assert.That(Text(again), Is.EqualTo(Text(first)), string.Join(", ", command.Success));
            gets += first.Results.Count(result => result is TxnGetResult { Items.Length: > 0 });
        }
        Assert.That(gets, Is.GreaterThan(10), "something was read");
    }

    private static string Drawn(DeterministicRandom random, string[] of) => of[random.Next(of.Length)];

    private static ImmutableArray<TxnOperation> Branch(DeterministicRandom random) =>
    [
        .. Enumerable.Range(0, (int)random.Next(1, 5)).Select(i => (TxnOperation)(random.Next(8) switch
        {
            0 or 1 => Put(Drawn(random, Names), $"v{i}"),
            2 => Delete(Drawn(random, Names)),
            3 => DeletePrefix(Drawn(random, Prefixes)),
            4 or 5 => Get(Drawn(random, Names)),
            _ => GetPrefix(Drawn(random, Prefixes), random.Next(4)),
        })),
    ];
}
