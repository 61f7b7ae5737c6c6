using System.Text;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Tests.Support;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.ZooKeeper;
using static Consensus.Benchmarks.Tests.Support.ZooKeeperFrames;

namespace Consensus.Benchmarks.Tests.Workloads;

/// <summary>What clients of ZooKeeper send, frame by frame, and how they judge the replies.</summary>
internal sealed class ZooKeeperScriptTests
{
    private const int Create = 1;
    private const int Delete = 2;
    private const int GetData = 4;
    private const int SetData = 5;
    private const int GetChildren = 8;
    private const int Sync = 9;
    private const int Ping = 11;
    private const int CloseSession = -11;
    private const int NoNode = -101;
    private const int BadVersion = -103;
    private const int NodeExists = -110;

    private readonly ZooKeeperScripts _scripts = new();

    [Test]
    public void A_session_is_opened_first_and_closed_at_the_end_and_its_requests_are_numbered()
    {
        var script = _scripts.Create(Workload.Put, Seat());
        byte[] asked = [.. Int(45), .. Int(0), .. new byte[8], .. Int(600_000), .. new byte[8], .. Int(16), .. new byte[17]];
        Assert.That(Sent(script), Is.EqualTo(asked));
        Assert.That(Answer(script, Session()), Is.EqualTo(StepOutcome.Prepared));
        for (var number = 1; number < 4; number++)
        {
            var put = Next(script);
            Assert.That((put.Xid, put.Kind), Is.EqualTo((number, SetData)));
            Assert.That(put.Path, Does.StartWith("/bench/key-"));
            Assert.That(put.Rest, Is.EqualTo(Text(KeySpace.Value).Concat(Int(-1))));
            Assert.That(Answer(script, Reply(number, 0, State(3))), Is.EqualTo(StepOutcome.Completed));
        }
        var close = Next(script, stopping: true);
        Assert.That((close.Xid, close.Kind), Is.EqualTo((4, CloseSession)));
        Assert.That(Answer(script, Reply(4, 0)), Is.EqualTo(StepOutcome.Prepared));
        Assert.That(Sent(script, stopping: true), Is.Empty);
    }

    [Test]
    public void A_session_that_is_refused_is_asked_for_again()
    {
        var script = _scripts.Create(Workload.Put, Seat());
        var asked = Sent(script);
        Assert.That(Answer(script, Session(timeOutMs: 0)), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Sent(script), Is.EqualTo(asked));
    }

    [Test]
    public void A_reply_to_another_request_is_a_failure()
    {
        var script = Open(Workload.Put);
        Next(script);
        Assert.That(Answer(script, Reply(2, 0, State(3))), Is.EqualTo(StepOutcome.Failed));
    }

    [Test]
    public void A_get_goes_behind_a_sync_in_one_sending_and_has_two_replies()
    {
        var script = Open(Workload.Get);
        var (sync, get) = Two(script);
        Assert.That((sync.Xid, sync.Kind, sync.Path), Is.EqualTo((1, Sync, "/bench")));
        Assert.That((get.Xid, get.Kind, get.Rest), Is.EqualTo((2, GetData, new byte[] { 0 })));
        Assert.That(Answer(script, Reply(1, 0, Text("/bench"))), Is.EqualTo(StepOutcome.Await));
        Assert.That(Answer(script, Reply(2, 0, [.. Text(KeySpace.Value), .. State(1)])), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Two(script).First.Xid, Is.EqualTo(3));
    }

    [Test]
    public void A_get_whose_sync_failed_is_a_failure_once_both_are_answered()
    {
        var script = Open(Workload.Get);
        Two(script);
        Assert.That(Answer(script, Reply(1, -4)), Is.EqualTo(StepOutcome.Await));
        Assert.That(Answer(script, Reply(2, 0, [.. Text(KeySpace.Value), .. State(1)])), Is.EqualTo(StepOutcome.Failed));
    }

    [Test]
    public void A_get_without_the_value_is_a_failure()
    {
        var script = Open(Workload.StaleGet);
        Assert.That(Next(script).Kind, Is.EqualTo(GetData));
        Assert.That(Answer(script, Reply(1, NoNode)), Is.EqualTo(StepOutcome.Failed));
        Next(script);
        Assert.That(Answer(script, Reply(2, 0, [.. Text("short"), .. State(1)])), Is.EqualTo(StepOutcome.Failed));
    }

    [Test]
    public void Gets_and_puts_of_a_mixture_are_in_one_session()
    {
        var script = Open(Workload.Mixed);
        var kinds = new List<int>();
        for (var number = 1; kinds.Distinct().Count() < 2; number++)
        {
            var sent = Read(Sent(script));
            kinds.Add(sent[^1].Kind);
            if (sent.Count == 2)
            {
                Answer(script, Reply(number++, 0, Text("/bench")));
            }
            var body = sent[^1].Kind == SetData ? State(1) : [.. Text(KeySpace.Value), .. State(1)];
            Assert.That(sent[^1].Xid, Is.EqualTo(number));
            Assert.That(Answer(script, Reply(number, 0, body)), Is.EqualTo(StepOutcome.Completed));
        }
        Assert.That(kinds.Distinct(), Is.EquivalentTo(new[] { GetData, SetData }));
    }

    [Test]
    public void A_renewal_is_a_heartbeat_which_has_no_number()
    {
        var script = Open(Workload.Renew);
        var ping = Next(script);
        Assert.That((ping.Xid, ping.Kind), Is.EqualTo((-2, Ping)));
        Assert.That(Answer(script, Reply(-2, 0)), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script, stopping: true).Xid, Is.EqualTo(1));
    }

    [TestCase(0)]
    [TestCase(NodeExists)]
    public void Compare_and_set_carries_the_version_of_the_answer_before(int created)
    {
        var script = Open(Workload.CompareAndSet);
        Assert.That((Next(script).Kind, Answer(script, Reply(1, created))), Is.EqualTo((Create, StepOutcome.Prepared)));
        Assert.That(Next(script).Rest[^4..], Is.EqualTo(Int(-1)));
        Assert.That(Answer(script, Reply(2, 0, State(41))), Is.EqualTo(StepOutcome.Prepared));
        var set = Next(script);
        Assert.That((set.Kind, set.Path), Is.EqualTo((SetData, "/bench/cas-00000")));
        Assert.That(set.Rest[^4..], Is.EqualTo(Int(41)));
        Assert.That(Answer(script, Reply(3, 0, State(42))), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script).Rest[^4..], Is.EqualTo(Int(42)));
        Assert.That(Answer(script, Reply(4, BadVersion)), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script).Rest[^4..], Is.EqualTo(Int(-1)));
    }

    [Test]
    public void A_lock_that_nobody_else_wants_is_taken_and_left()
    {
        var script = Open(Workload.Lock);
        var made = Next(script);
        Assert.That((made.Kind, made.Path, made.Rest[^1]), Is.EqualTo((Create, "/run-own-00000", (byte)0)));
        Assert.That(Answer(script, Reply(1, 0, Text(made.Path))), Is.EqualTo(StepOutcome.Prepared));
        var entered = Next(script);
        Assert.That((entered.Kind, entered.Path, entered.Rest[^1]), Is.EqualTo((Create, "/run-own-00000/at-", (byte)3)));
        Assert.That(Answer(script, Reply(2, 0, Text("/run-own-00000/at-0000000012"))), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Next(script, stopping: true).Kind, Is.EqualTo(GetChildren));
        Assert.That(Answer(script, Reply(3, 0, Names("at-0000000012"))), Is.EqualTo(StepOutcome.Continue));
        var left = Next(script, stopping: true);
        Assert.That((left.Kind, left.Path), Is.EqualTo((Delete, "/run-own-00000/at-0000000012")));
        Assert.That(Answer(script, Reply(4, 0)), Is.EqualTo(StepOutcome.Completed));
        Assert.That(Next(script, stopping: true).Kind, Is.EqualTo(CloseSession));
    }

    [Test]
    public void Who_is_not_first_waits_for_the_one_before_it_and_looks_again()
    {
        var script = Entered(Workload.ContendedLock, new HolderWitness(), "0000000012");
        Next(script);
        var siblings = Names("at-0000000011", "at-0000000013", "at-0000000003", "at-0000000012");
        Assert.That(Answer(script, Reply(3, 0, siblings)), Is.EqualTo(StepOutcome.Continue));
        var watch = Next(script);
        Assert.That((watch.Kind, watch.Path, watch.Rest), Is.EqualTo((GetData, "/run-shared/at-0000000011", new byte[] { 1 })));
        Assert.That(Answer(script, Reply(4, 0, [.. Text("client"), .. State(0)])), Is.EqualTo(StepOutcome.Await));
        Assert.That(Answer(script, Reply(-1, 0, [.. Int(2), .. Int(3), .. Text(watch.Path)])), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Next(script).Kind, Is.EqualTo(GetChildren));
        Assert.That(Answer(script, Reply(5, 0, Names("at-0000000012", "at-0000000013"))), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Next(script).Kind, Is.EqualTo(Delete));
    }

    [Test]
    public void Who_finds_the_one_before_it_gone_looks_again_at_once()
    {
        var script = Entered(Workload.Election, new HolderWitness(), "0000000012");
        Next(script);
        Answer(script, Reply(3, 0, Names("at-0000000011", "at-0000000012")));
        Next(script);
        Assert.That(Answer(script, Reply(4, NoNode)), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Next(script).Kind, Is.EqualTo(GetChildren));
    }

    [Test]
    public void Who_is_not_in_line_any_more_enters_again_though_nobody_is_before_it()
    {
        var script = Entered(Workload.ContendedLock, new HolderWitness(), "0000000012");
        Next(script);
        Assert.That(Answer(script, Reply(3, 0, Names("at-0000000013"))), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script).Kind, Is.EqualTo(Create));
    }

    [Test]
    public void A_session_that_cannot_be_closed_is_a_failure()
    {
        var script = Open(Workload.Put);
        Assert.That(Next(script, stopping: true).Kind, Is.EqualTo(CloseSession));
        Assert.That(Answer(script, Reply(1, -4)), Is.EqualTo(StepOutcome.Failed));
    }

    [Test]
    public void A_second_holder_is_a_broken_promise()
    {
        var witness = new HolderWitness();
        var first = Entered(Workload.ContendedLock, witness, "0000000012");
        var second = Entered(Workload.ContendedLock, witness, "0000000013");
        Next(first);
        Next(second);
        Assert.That(Answer(first, Reply(3, 0, Names("at-0000000012", "at-0000000013"))), Is.EqualTo(StepOutcome.Continue));
        Assert.That(Answer(second, Reply(3, 0, Names("at-0000000013"))), Is.EqualTo(StepOutcome.PromiseBroken));
    }

    [Test]
    public void Who_does_not_know_where_it_stands_leaves_the_line_and_that_is_no_operation()
    {
        var script = Entered(Workload.ContendedLock, new HolderWitness(), "0000000012");
        Next(script);
        Assert.That(Answer(script, Reply(3, -4)), Is.EqualTo(StepOutcome.Failed));
        Assert.That(Next(script).Kind, Is.EqualTo(Delete));
        Assert.That(Answer(script, Reply(4, -4)), Is.EqualTo(StepOutcome.Failed));
        Assert.That((Next(script).Kind, Answer(script, Reply(5, 0))), Is.EqualTo((Delete, StepOutcome.Prepared)));
        Assert.That(Next(script).Kind, Is.EqualTo(Create));
    }

    [Test]
    public void Filling_creates_what_is_not_there_and_sets_what_is()
    {
        KeySpace.UseKeys(2);
        try
        {
            var script = _scripts.Fill(Seat(), new FillShare(1, 1, 4));
            Sent(script);
            Answer(script, Session());
            var found = Next(script);
            Assert.That((found.Kind, found.Path), Is.EqualTo((Create, "/bench/key-00000001")));
            Assert.That(Answer(script, Reply(1, NodeExists)), Is.EqualTo(StepOutcome.Continue));
            Assert.That((Next(script).Kind, Answer(script, Reply(2, 0, State(1)))), Is.EqualTo((SetData, StepOutcome.Completed)));
            Assert.That((Next(script).Kind, Answer(script, Reply(3, NoNode))), Is.EqualTo((SetData, StepOutcome.Continue)));
            var created = Next(script);
            Assert.That((created.Kind, created.Path), Is.EqualTo((Create, "/bench/key-00000000")));
            Assert.That(Encoding.ASCII.GetString(created.Rest), Does.Contain(KeySpace.Value));
            Assert.That(Answer(script, Reply(4, 0, Text(created.Path))), Is.EqualTo(StepOutcome.Completed));
            Assert.That(Next(script).Path, Is.EqualTo("/bench/key-00000001"));
            Assert.That(Answer(script, Reply(5, 0, State(1))), Is.EqualTo(StepOutcome.Completed));
            Assert.That(Next(script).Kind, Is.EqualTo(CloseSession));
        }
        finally
        {
            KeySpace.UseValuesOf(256);
        }
    }

    private static ClientSeat Seat(HolderWitness? witness = null) =>
        new("127.0.0.1:1", Index: 0, Run: "run", witness ?? new HolderWitness());

    /// <summary>With a session.</summary>
    private IClientScript Open(Workload workload, HolderWitness? witness = null)
    {
        var script = _scripts.Create(workload, Seat(witness));
        Sent(script);
        Answer(script, Session());
        return script;
    }

    /// <summary>With a place in line.</summary>
    private IClientScript Entered(Workload workload, HolderWitness witness, string number)
    {
        var script = Open(workload, witness);
        var path = Next(script).Path;
        Answer(script, Reply(1, NodeExists));
        Next(script);
        Assert.That(Answer(script, Reply(2, 0, Text($"{path}/at-{number}"))), Is.EqualTo(StepOutcome.Continue));
        return script;
    }

    private static byte[] Sent(IClientScript script, bool stopping = false)
    {
        var buffer = new byte[script.RequestCapacity];
        return buffer[..script.NextRequest(buffer, stopping)];
    }

    private static ZooKeeperFrame Next(IClientScript script, bool stopping = false) => Read(Sent(script, stopping)).Single();

    private static (ZooKeeperFrame First, ZooKeeperFrame Second) Two(IClientScript script) => Read(Sent(script)) is [var first, var second]
        ? (first, second)
        : throw new AssertionException("not two requests");

    /// <summary>As it comes from the connection.</summary>
    private static StepOutcome Answer(IClientScript script, byte[] frame) => script.OnAnswer(0, frame.AsSpan(4));
}
