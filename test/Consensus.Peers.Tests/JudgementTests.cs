using Consensus.Chaos.Clients;
using Consensus.Peers.Trials;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Peers.Tests;

/// <summary>What chaos' checkers say of small histories such as trials record.</summary>
public sealed class JudgementTests
{
    private Record _record = null!;
    private long _now;

    [SetUp]
    public void Begin() => _record = new Record(Revision.Initial, () => ++_now);

    [Test]
    public void A_history_that_shows_every_acknowledged_write_is_clean()
    {
        Put("a", revision: 2);
        Put("b", revision: 3);
        Read("a", new ReadResult(3, "written", 2, 1));
        Read("b", new ReadResult(3, "written", 3, 1));
        var judgement = Judgement.Of(_record);
        Assert.That((judgement.IsBroken, judgement.ToString()), Is.EqualTo((false, "nothing broken")));
    }

    [Test]
    public void A_write_without_an_answer_may_be_there_or_not()
    {
        Return(Ask(OperationKind.Put, "a"), OperationStatus.Unknown);
        Return(Ask(OperationKind.Put, "b"), OperationStatus.Unknown);
        Read("a", new ReadResult(2, "written", 2, 1));
        Read("b", new ReadResult(2));
        Assert.That(Judgement.Of(_record).IsBroken, Is.False);
    }

    [Test]
    public void An_acknowledged_write_that_is_lost_is_seen_by_both_checkers()
    {
        Put("a", revision: 2);
        Put("b", revision: 3);
        Read("a", new ReadResult(2, "written", 2, 1));
        Read("b", new ReadResult(2));
        var judgement = Judgement.Of(_record);
        Assert.That(judgement.Durability, Does.StartWith("acknowledged writes: "));
        Assert.That(judgement.Linearizability, Does.StartWith("linearizability: "));
        Assert.That(judgement.ToString(), Is.EqualTo("broken: acknowledged writes and linearizability"));
    }

    [Test]
    public void A_lost_write_is_seen_when_later_ones_hide_it_from_the_revision()
    {
        Put("a", revision: 2);
        Put("b", revision: 5);
        Read("a", new ReadResult(5));
        Read("b", new ReadResult(5, "written", 5, 1));
        var judgement = Judgement.Of(_record);
        Assert.That((judgement.IsBroken, judgement.Durability), Is.EqualTo((true, (string?)null)));
        Assert.That(judgement.Linearizability, Does.Contain("operations on a explains"));
    }

    [Test]
    public void An_answer_from_before_an_acknowledged_write_is_seen_by_its_revision_though_it_is_of_another_key()
    {
        Put("a", revision: 5);
        Read("b", new ReadResult(3));
        var judgement = Judgement.Of(_record);
        Assert.That((judgement.IsBroken, judgement.Linearizability), Is.EqualTo((true, (string?)null)));
        Assert.That(judgement.ToString(), Is.EqualTo("broken: acknowledged writes"));
    }

    [Test]
    public void What_could_not_be_decided_is_said() =>
        Assert.That(new Judgement(null, null, 2).ToString(), Is.EqualTo("nothing broken, 2 keys undecided"));

    private void Put(string key, long revision) =>
        _record.Return(Ask(OperationKind.Put, key), OperationStatus.Done, Done(key, revision), null);

    private void Read(string key, ReadResult seen) => _record.Return(Ask(OperationKind.Read, key), OperationStatus.Done, null, seen);

    private void Return(Operation operation, OperationStatus status) => _record.Return(operation, status, null, null);

    private Operation Ask(OperationKind kind, string key) => _record.Invoke(() => new Operation
    {
        Number = _record.History.NextNumber,
        Client = 1,
        Kind = kind,
        Object = key,
        Value = kind == OperationKind.Put ? "written" : "",
    });

    private static PutDone Done(string key, long revision) =>
        new(new Revision(revision), Key.FromText(key), new Revision(revision), new Revision(revision), 1, LeaseId.None);
}
