using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Transactions;
using Google.Protobuf;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>Transactions, one sentence each.</summary>
public sealed class TxnRuleTests
{
    private static TxnPut Put(string key, string value = "v", long lease = 0) => new(Machine.Key(key), Encoding.UTF8.GetBytes(value), new LeaseId(lease));

    private static TxnDelete Delete(string key) => new(Machine.Key(key), IsPrefix: false);

    private static TxnDelete DeletePrefix(string key) => new(Machine.Key(key), IsPrefix: true);

    private static TxnGet Get(string key) => new(Machine.Key(key), IsPrefix: false, 0);

    private static TxnGet GetPrefix(string key, long limit = 0) => new(Machine.Key(key), IsPrefix: true, limit);

    private static TxnCommand Do(params TxnOperation[] operations) => new([], [.. operations], []);

    private static TxnCommand If(TxnCompare compare) => new([compare], [Put("then")], [Put("else")]);

    private static void Write(Machine machine, params string[] keys)
    {
        foreach (var key in keys)
        {
            machine.Do(new PutCommand(Machine.Key(key), Encoding.UTF8.GetBytes("old"), LeaseId.None, KeyCondition.None));
        }
    }

    [Test]
    public void All_its_writes_have_one_revision()
    {
        var machine = new Machine();
        Write(machine, "a", "b");
        var done = (TxnDone)machine.Do(Do(Put("a"), Put("new"), Delete("b")));
        Assert.That(done.Revision.Value, Is.EqualTo(4));
        Assert.That(machine.View.ListKeys(default, null).Select(k => (k.Key.ToString(), k.Record.ModRevision.Value)), Is.EqualTo(new[] { ("a", 4L), ("new", 4L) }));
        Assert.That(machine.View.ChangesFrom(new Revision(4)).Cast<KeyChange>().Select(c => c.Key.ToString()), Is.EqualTo(new[] { "a", "new", "b" }));
    }

    [Test]
    public void One_that_only_reads_takes_no_revision_and_is_not_kept()
    {
        var machine = new Machine();
        Write(machine, "a");
        var done = (TxnDone)machine.Do(Do(Get("a"), Get("b"), Delete("b")), "id");
        Assert.That((done.Revision.Value, machine.View.Counts.IdempotencyKeys), Is.EqualTo((2L, 0L)));
        Assert.That(done.Results.OfType<TxnGetResult>().Select(r => r.Count), Is.EqualTo(new[] { 1L, 0 }));
    }

    [Test]
    public void A_get_sees_the_writes_before_it_and_none_after()
    {
        var machine = new Machine();
        Write(machine, "k/1", "k/2");
        var done = (TxnDone)machine.Do(Do(GetPrefix("k/"), Put("k/3"), GetPrefix("k/"), DeletePrefix("k/1"), GetPrefix("k/", limit: 1), Put("k/4"), Get("k/1")));
        var gets = done.Results.OfType<TxnGetResult>().ToList();
        Assert.That(gets.Select(g => string.Join(",", g.Items.Select(i => i.Key))), Is.EqualTo(new[] { "k/1,k/2", "k/1,k/2,k/3", "k/2", "" }));
        Assert.That(gets.Select(g => g.Count), Is.EqualTo(new[] { 2L, 3, 2, 0 }), "the count tells all, also beyond the limit");
        Assert.That(gets[1].Items[2].Record.ModRevision, Is.EqualTo(done.Revision));
    }

    [Test]
    public void Compares_are_judged_on_the_state_before_and_choose_the_branch()
    {
        var machine = new Machine();
        Write(machine, "a");
        var a = Machine.Key("a");
        var none = Machine.Key("none");
        Expect(true, new TxnCompare(CompareTarget.Version, CompareOperator.Equal, a, 1));
        Expect(true, new TxnCompare(CompareTarget.ModRevision, CompareOperator.Less, a, 3));
        Expect(false, new TxnCompare(CompareTarget.CreateRevision, CompareOperator.Greater, a, 2));
        Expect(true, new TxnCompare(CompareTarget.Exists, CompareOperator.Equal, none, 0));
        Expect(true, new TxnCompare(CompareTarget.Lease, CompareOperator.NotEqual, a, 7));
        Expect(true, new TxnCompare(CompareTarget.Value, CompareOperator.Equal, a, 0, Encoding.UTF8.GetBytes("old")));
        Expect(true, new TxnCompare(CompareTarget.Value, CompareOperator.Greater, a, 0, Encoding.UTF8.GetBytes("olc")));
        Expect(true, new TxnCompare(CompareTarget.Value, CompareOperator.NotEqual, none, 0, Encoding.UTF8.GetBytes("x")));
        Expect(false, new TxnCompare(CompareTarget.Value, CompareOperator.Equal, none, 0), "a key that does not exist has no value, not even an empty one");

        void Expect(bool expected, TxnCompare compare, string because = "")
        {
            var done = (TxnDone)machine.Do(If(compare));
            Assert.That(done.Succeeded, Is.EqualTo(expected), $"{compare} {because}");
            Assert.That(((TxnPutResult)done.Results.Single()).Key.ToString(), Is.EqualTo(expected ? "then" : "else"));
        }
    }

    [Test]
    public void A_guarded_write_is_done_while_the_hold_is_current_and_not_after()
    {
        var machine = new Machine();
        var token = machine.Acquire("job", 5).Hold.Token;
        var guard = new TxnCompare(CompareTarget.Hold, CompareOperator.Equal, Machine.Key("job"), token.Value);
        Assert.That(((TxnDone)machine.Do(If(guard))).Succeeded);
        Assert.That(((TxnDone)machine.Do(If(guard with { Number = token.Value + 1 }))).Succeeded, Is.False);
        Assert.That(((TxnDone)machine.Do(If(guard with { Space = HoldSpace.Election }))).Succeeded, Is.False, "another name space (rule 25)");
        Assert.That(((TxnDone)machine.Do(If(guard with { Operator = CompareOperator.NotEqual }))).Succeeded, Is.False);
        machine.Release("job", token);
        Assert.That(((TxnDone)machine.Do(If(guard))).Succeeded, Is.False);
        Assert.That(((TxnDone)machine.Do(If(guard with { Operator = CompareOperator.NotEqual }))).Succeeded);
    }

    private static IEnumerable<TestCaseData> Twice()
    {
        yield return new TestCaseData(Do(Put("a"), Put("a"))).SetArgDisplayNames("put, put");
        yield return new TestCaseData(Do(Put("a"), Delete("a"))).SetArgDisplayNames("put, delete");
        yield return new TestCaseData(Do(Delete("none"), Put("none"))).SetArgDisplayNames("delete, put");
        yield return new TestCaseData(Do(Delete("a"), Delete("a"))).SetArgDisplayNames("delete, delete");
        yield return new TestCaseData(Do(DeletePrefix("a"), Delete("a"))).SetArgDisplayNames("delete prefix, delete");
        yield return new TestCaseData(Do(Delete("a/b"), DeletePrefix("a/"))).SetArgDisplayNames("delete, delete prefix");
        yield return new TestCaseData(Do(DeletePrefix("a"), DeletePrefix(""))).SetArgDisplayNames("delete prefix, delete prefix");
        yield return new TestCaseData(Do(DeletePrefix("a"), Put("a/new"))).SetArgDisplayNames("delete prefix, put");
        yield return new TestCaseData(Do(Put("a/new"), DeletePrefix("a"))).SetArgDisplayNames("put, delete prefix");
    }

    [TestCaseSource(nameof(Twice))]
    public void One_that_writes_a_key_twice_is_refused(TxnCommand command)
    {
        var machine = new Machine();
        Write(machine, "a", "a/b");
        RefusedWith<KeyWrittenTwice>(machine, command);
    }

    [Test]
    public void Deleting_what_is_not_there_twice_writes_nothing()
    {
        Assert.That(new Machine().Do(Do(Delete("a"), Delete("a"), DeletePrefix("a"))), Is.InstanceOf<TxnDone>());
    }

    [Test]
    public void One_that_cannot_be_done_whole_leaves_everything_untouched()
    {
        var limits = new Limits { MaxObjectsPerCommand = 4, MaxStateBytes = 6_000, MaxAttachmentsPerLease = 2, MaxTxnOperations = 6, MaxTxnGetBytes = 500 };
        var machine = new Machine(limits);
        machine.Do(new GrantLeaseCommand(new LeaseId(5), 60_000_000));
        Write(machine, "a", "b", "c");
        machine.Do(new PutCommand(Machine.Key("large"), new byte[490], LeaseId.None, KeyCondition.None));
        RefusedWith<LeaseMissing>(machine, Do(Put("d"), Put("e", lease: 9)));
        RefusedWith<QuotaExceeded>(machine, Do(Delete("a"), Put("e", new string('x', 6_000))));
        RefusedWith<BoundReached>(machine, Do(Put("a", lease: 5), Put("b", lease: 5), Put("c", lease: 5)));
        RefusedWith<TooManyObjects>(machine, Do(Get("x"), DeletePrefix("")));
        RefusedWith<TooManyObjects>(machine, Do(GetPrefix(""), GetPrefix("")));
        RefusedWith<TooManyObjects>(machine, Do(Get("x"), Get("x"), Get("x"), Get("x"), Get("x")));
        RefusedWith<TooManyObjects>(machine, new TxnCommand([], [Put("x"), Get("x"), Get("x"), Get("x")], [Get("x"), Get("x"), Get("x")]));
        RefusedWith<AnswerTooLarge>(machine, Do(Put("x", "0123456789"), Get("large"), Get("x")));
        var left = new string('x', (int)(limits.MaxStateBytes - machine.State.Counts.StateBytes));
        RefusedWith<QuotaExceeded>(machine, Do(Put("e", left)));
        Assert.That(machine.Do(Do(Delete("large"), Put("e", left))), Is.InstanceOf<TxnDone>(), "what it deletes makes room");
    }

    [Test]
    public void A_prefix_is_cut_where_the_answer_is_full_and_the_count_tells_all()
    {
        var machine = new Machine(new Limits { MaxTxnGetItems = 2, MaxTxnGetBytes = 20 });
        Write(machine, "a1", "a2", "a3");
        var get = (TxnGetResult)((TxnDone)machine.Do(Do(GetPrefix("a", limit: 3)))).Results.Single();
        Assert.That((get.Items.Length, get.Count), Is.EqualTo((2, 3L)));
        machine.Do(new PutCommand(Machine.Key("a2"), new byte[30], LeaseId.None, KeyCondition.None));
        get = (TxnGetResult)((TxnDone)machine.Do(Do(GetPrefix("a")))).Results.Single();
        Assert.That((get.Items.Length, get.Count), Is.EqualTo((1, 3L)));
    }

    [Test]
    public void Its_keys_hang_on_their_leases()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(5), 60_000_000));
        machine.Do(new GrantLeaseCommand(new LeaseId(6), 60_000_000));
        machine.Do(Do(Put("a", lease: 5), Put("b", lease: 5)));
        machine.Do(Do(Put("a", lease: 6), Delete("b")));
        Assert.That((machine.View.GetLease(new LeaseId(5))!.KeyCount, machine.View.GetLease(new LeaseId(6))!.KeyCount), Is.EqualTo((0L, 1L)));
        machine.Do(new RevokeLeaseCommand(new LeaseId(6)));
        Assert.That(machine.View.Counts.Keys, Is.Zero);
    }

    [Test]
    public void A_retry_has_one_effect_and_the_first_answer_after_a_snapshot_too()
    {
        var machine = new Machine();
        Write(machine, "a");
        var command = Do(Put("b", "x"), GetPrefix(""), Delete("a"));
        var first = (TxnDone)machine.Do(command, "id");
        Write(machine, "later");
        machine.RestoreFromSnapshot();
        var again = TxnReads.ReadAgain(command, (TxnDone)machine.Do(command, "id"), machine.View);
        Assert.That((again.Revision, again.Succeeded), Is.EqualTo((first.Revision, first.Succeeded)));
        Assert.That(again.Results.Where(r => r is not TxnGetResult), Is.EqualTo(first.Results.Where(r => r is not TxnGetResult)));
        Assert.That(Text(again), Is.EqualTo(Text(first)));
        Assert.That(machine.View.ChangesFrom(first.Revision).Select(c => c.Revision.Value), Is.EqualTo(new long[] { 3, 3, 4 }));

        static IEnumerable<string> Text(TxnDone done) =>
            done.Results.OfType<TxnGetResult>().Single().Items.Select(i => $"{i.Key} {Encoding.UTF8.GetString(i.Record.Value.Span)} {i.Record with { Value = default }}");
    }

    [Test]
    public void Its_kept_answer_is_written_as_the_proto_file_says()
    {
        var machine = new Machine();
        machine.Do(new GrantLeaseCommand(new LeaseId(5), 60_000_000));
        machine.Do(Do(Put("a", lease: 5), GetPrefix(""), Delete("none")), "id");
        var kept = SnapshotBuffer.Of(machine.View).Sections.Where(s => s.Kind == 6).Select(s => V1.Snapshot.KeptOutcomes.Parser.ParseFrom(s.Body).Items.Single()).Single();
        var results = V1.Snapshot.TxnResults.Parser.WithDiscardUnknownFields(true).ParseFrom(kept.Results);
        Assert.That(results.ToByteString(), Is.EqualTo(kept.Results));
        Assert.That(results.Results.Select(r => r.ResultCase.ToString()), Is.EqualTo(new[] { "Put", "Get", "Delete" }));
        Assert.That((results.Results[0].Put.Key.ToStringUtf8(), results.Results[0].Put.Lease), Is.EqualTo(("a", 5UL)));
        Assert.That((results.Results[1].Get.Items, results.Results[1].Get.Count), Is.EqualTo((1L, 1L)), "how much was read, not what");
    }

    private static void RefusedWith<T>(Machine machine, TxnCommand command)
    {
        var before = Fingerprint(machine.View);
        Assert.That(machine.Do(command, $"id{machine.State.AppliedIndex}"), Is.InstanceOf<T>());
        Assert.That(Fingerprint(machine.View), Is.EqualTo(before), "nothing was done");
    }

    /// <summary>All of a snapshot but what any applied entry moves, and that an answer which changed nothing is remembered.</summary>
    private static byte[] Fingerprint(StateView view)
    {
        var sections = SnapshotBuffer.Of(view).Sections;
        var meta = V1.Snapshot.Meta.Parser.ParseFrom(sections[0].Body);
        (meta.AppliedIndex, meta.AppliedHash, meta.Digest, meta.NextKept, meta.BriefAnswers) = (0, 0, 0, 0, 0);
        return [.. meta.ToByteArray(), .. sections.Skip(1).Where(s => s.Kind != 12).SelectMany(s => s.Body)];
    }
}
