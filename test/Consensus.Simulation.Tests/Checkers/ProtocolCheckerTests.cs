using Consensus.Node;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.Simulation.Checkers.Protocol;
using Consensus.StateMachine;
using static Consensus.Simulation.Tests.Checkers.Histories;

namespace Consensus.Simulation.Tests.Checkers;

/// <summary>Each checker of the protocol, on a course of events that is right and on one that breaks its property.</summary>
public sealed class ProtocolCheckerTests
{
    private static readonly MemberId A = new(1);
    private static readonly MemberId B = new(2);
    private static readonly MemberId C = new(3);

    private static readonly Configuration Abc = Configuration.OfVoters(new[] { A, B, C }.Select(id => new Member(id, $"n{id}", $"n{id}:1")));

    private static Entry Entry(long index, long term, string payload = "x") => new()
    {
        Index = new LogIndex(index),
        Term = new Term(term),
        Kind = EntryKind.Command,
        Stamp = new ClusterTime(index),
        Payload = System.Text.Encoding.UTF8.GetBytes(payload),
    };

    private static PersistRequest Write(params Entry[] entries) => new(1, null, null, null, entries);

    private static PersistRequest Vote(long term, MemberId member) => new(1, new HardState(new Term(term), member), null, null, []);

    private static ObservedLog LogOf(params Entry[] entries)
    {
        var log = new ObservedLog();
        log.Write(Write(entries));
        return log;
    }

    [Test]
    [SeenBy(ElectionSafety.Name)]
    public void Two_leaders_of_one_term_are_seen()
    {
        var elections = new ElectionSafety();
        elections.Leads(A, new Term(1));
        elections.Leads(A, new Term(1));
        elections.Leads(B, new Term(2));
        Breaks(ElectionSafety.Name, () => elections.Leads(A, new Term(2)));
    }

    [Test]
    [SeenBy(ElectionSafety.Name)]
    public void A_second_vote_in_one_term_is_seen()
    {
        var elections = new ElectionSafety();
        elections.Voted(A, new Term(1), B);
        elections.Voted(A, new Term(1), B);
        elections.Voted(A, new Term(2), C);
        Breaks(ElectionSafety.Name, () => elections.Voted(A, new Term(1), C));
    }

    [Test]
    [SeenBy(ChangeAnswers.Name)]
    public void A_change_that_was_answered_otherwise_than_it_was_made_is_seen()
    {
        RequestId Request(long sequence) => new(A, 1, sequence);
        MembershipAnswer Answer(AnswerKind kind, ChangeVerdict verdict) => new(kind, verdict, "", NotDoneReason.None);
        var joint = Abc with { OutgoingVoters = [A, B] };
        var changes = new ChangeAnswers();
        changes.Committed(Request(1), joint);
        Breaks(ChangeAnswers.Name, () => changes.Answered(Request(1), Answer(AnswerKind.Done, ChangeVerdict.Appended)));
        Breaks(ChangeAnswers.Name, () => changes.Answered(Request(1), Answer(AnswerKind.NotDone, ChangeVerdict.ChangeInProgress)));
        changes.Committed(Request(1), Abc);
        changes.Answered(Request(1), Answer(AnswerKind.Done, ChangeVerdict.Appended));
        changes.Answered(Request(2), Answer(AnswerKind.Done, ChangeVerdict.AlreadySo));
        changes.Answered(Request(3), Answer(AnswerKind.Unknown, default));
        changes.Committed(Request(3), Abc);
        changes.Answered(Request(4), Answer(AnswerKind.NotDone, default));
        Breaks(ChangeAnswers.Name, () => changes.Committed(Request(4), joint));
    }

    [Test]
    [SeenBy(LeaderStays.Name)]
    public void A_leader_that_does_not_stay_is_seen()
    {
        LeaderStays.Watched(A, new Term(3), A, new Term(3));
        Breaks(LeaderStays.Name, () => LeaderStays.Watched(A, new Term(3), A, new Term(4)));
        Breaks(LeaderStays.Name, () => LeaderStays.Watched(A, new Term(3), B, new Term(3)));
        Breaks(LeaderStays.Name, () => LeaderStays.Watched(MemberId.None, Term.Zero, MemberId.None, Term.Zero));
    }

    [Test]
    [SeenBy(ReadyHasCaughtUp.Name)]
    public void A_member_that_is_ready_before_it_has_caught_up_is_seen()
    {
        var ready = new ReadyHasCaughtUp();
        ready.Turned(A, isReady: true, new LogIndex(1));
        ready.MayBeBehind(A, new LogIndex(7));
        ready.Turned(A, isReady: false, new LogIndex(1));
        Breaks(ReadyHasCaughtUp.Name, () => ready.Turned(A, isReady: true, new LogIndex(6)));
        ready.Turned(A, isReady: true, new LogIndex(7));
        ready.Turned(B, isReady: true, new LogIndex(1));
    }

    [Test]
    [SeenBy(LeaderAppendOnly.Name)]
    public void A_leader_that_cuts_its_own_log_is_seen()
    {
        LeaderAppendOnly.Wrote(A, new Term(1), 0);
        Breaks(LeaderAppendOnly.Name, () => LeaderAppendOnly.Wrote(A, new Term(1), 1));
    }

    [Test]
    public void A_log_tells_how_many_entries_a_write_cuts_off()
    {
        var log = LogOf(Entry(1, 1), Entry(2, 1), Entry(3, 1));
        Assert.That(log.Write(Write(Entry(4, 1))), Is.Zero);
        Assert.That(log.Write(Write(Entry(2, 2))), Is.EqualTo(3));
        Assert.That(log.LastIndex, Is.EqualTo(new LogIndex(2)));
    }

    [Test]
    [SeenBy(LogMatching.Name)]
    public void Two_entries_in_one_place_under_one_term_are_seen()
    {
        var matching = new LogMatching();
        matching.Appended(A, Entry(1, 1), Term.Zero);
        matching.Appended(B, Entry(1, 1), Term.Zero);
        matching.Appended(C, Entry(1, 2, "y"), Term.Zero);
        Breaks(LogMatching.Name, () => matching.Appended(C, Entry(1, 1, "y"), Term.Zero));
    }

    [Test]
    [SeenBy(LogMatching.Name)]
    public void Equal_entries_after_different_ones_are_seen()
    {
        var matching = new LogMatching();
        matching.Appended(A, Entry(5, 3), new Term(1));
        Breaks(LogMatching.Name, () => matching.Appended(B, Entry(5, 3), new Term(2)));
    }

    [Test]
    [SeenBy(LeaderCompleteness.Name)]
    public void A_leader_without_a_committed_entry_is_seen()
    {
        var completeness = new LeaderCompleteness();
        completeness.Committed(new LogIndex(1), new Term(1), new Term(1));
        completeness.Committed(new LogIndex(2), new Term(1), new Term(3));
        completeness.Leads(B, new Term(4), LogOf(Entry(1, 1), Entry(2, 1)));
        completeness.Leads(C, new Term(2), LogOf(Entry(1, 1)));
        Breaks(LeaderCompleteness.Name, () => completeness.Leads(A, new Term(4), LogOf(Entry(1, 1))));
        Breaks(LeaderCompleteness.Name, () => completeness.Leads(A, new Term(4), LogOf(Entry(1, 1), Entry(2, 2))));
    }

    [Test]
    [SeenBy(StateMachineSafety.Name)]
    public void Different_entries_applied_at_one_index_are_seen()
    {
        var states = new StateMachineSafety();
        Assert.That(states.Applied(A, Entry(1, 1)), Is.True);
        Assert.That(states.Applied(B, Entry(1, 1)), Is.False);
        Breaks(StateMachineSafety.Name, () => states.Applied(C, Entry(1, 1, "y")));
        Breaks(StateMachineSafety.Name, () => states.Applied(C, Entry(1, 2)));
        Breaks(StateMachineSafety.Name, () => states.Applied(C, Entry(3, 1)));
    }

    [Test]
    [SeenBy(StateMachineSafety.Name)]
    public void Different_states_after_one_index_are_seen()
    {
        var states = new StateMachineSafety();
        states.Applied(A, Entry(1, 1));
        states.State(A, new LogIndex(1), new StateHash(7));
        states.State(B, new LogIndex(1), new StateHash(7));
        Breaks(StateMachineSafety.Name, () => states.State(C, new LogIndex(1), new StateHash(8)));
    }

    [Test]
    [SeenBy(StateMachineSafety.Name)]
    public void A_table_that_does_not_agree_with_its_index_is_seen()
    {
        StateMachineSafety.Tables("a", new ReplicatedState(Limits.Default).Verify);
        Breaks(StateMachineSafety.Name, () => StateMachineSafety.Tables("a", static () => Invariant.Require(false, "the index has what the table has")));
    }

    [Test]
    [SeenBy(StateMachineSafety.Name)]
    public void A_snapshot_of_what_nobody_applied_is_seen()
    {
        var states = new StateMachineSafety();
        states.Applied(A, Entry(1, 1));
        states.Installed(B, new LogIndex(1), new Term(1));
        Breaks(StateMachineSafety.Name, () => states.Installed(B, new LogIndex(2), new Term(1)));
        Breaks(StateMachineSafety.Name, () => states.Installed(B, new LogIndex(1), new Term(2)));
    }

    [Test]
    [SeenBy(Durability.Name)]
    public void A_commit_that_only_a_minority_of_disks_holds_is_seen()
    {
        var durability = new Durability(Abc);
        durability.Durable(A, [Write(Entry(1, 1))]);
        Breaks(Durability.Name, () => durability.Committed(new LogIndex(1), new Term(1)));
        durability.Begins(B, [Write(Entry(1, 1))]);
        Breaks(Durability.Name, () => durability.Committed(new LogIndex(1), new Term(1)));
        durability.Durable(B, [Write(Entry(1, 1))]);
        durability.Committed(new LogIndex(1), new Term(1));
        Breaks(Durability.Name, () => durability.Committed(new LogIndex(1), new Term(2)));
    }

    [Test]
    [SeenBy(Durability.Name)]
    public void A_commit_without_a_majority_of_the_configuration_in_force_is_seen()
    {
        var (d, e) = (new MemberId(4), new MemberId(5));
        var joint = Abc with { Voters = [C, d, e], OutgoingVoters = [A, B, C] };
        var durability = new Durability(Abc);
        durability.Durable(A, [Write(Entry(1, 1))]);
        durability.Durable(B, [Write(Entry(1, 1))]);
        durability.Committed(new LogIndex(1), new Term(1));
        durability.IsInForce(new LogIndex(2), joint);
        durability.Durable(A, [Write(Entry(2, 1))]);
        foreach (var member in new[] { d, e })
        {
            durability.Durable(member, [Write(Entry(1, 1), Entry(2, 1))]);
        }
        Breaks(Durability.Name, () => durability.Committed(new LogIndex(2), new Term(1)));
        durability.Appended(new LogIndex(3), new Term(1), Abc with { Voters = [C, d, e] });
        durability.Committed(new LogIndex(2), new Term(1));
        Breaks(Durability.Name, () => durability.Committed(new LogIndex(3), new Term(1)));
    }

    [Test]
    [SeenBy(Durability.Name)]
    public void A_restart_without_what_was_durable_is_seen()
    {
        var durability = new Durability(Abc);
        durability.Durable(A, [Vote(1, B), Write(Entry(1, 1), Entry(2, 1))]);
        var voted = new HardState(new Term(1), B);
        durability.Recovered(A, voted, null, [Entry(1, 1), Entry(2, 1)]);
        Breaks(Durability.Name, () => durability.Recovered(A, voted, null, [Entry(1, 1)]));
        Breaks(Durability.Name, () => durability.Recovered(A, voted, null, [Entry(1, 1), Entry(2, 2)]));
        Breaks(Durability.Name, () => durability.Recovered(A, new HardState(new Term(1), MemberId.None), null, [Entry(1, 1), Entry(2, 1)]));
    }

    [Test]
    [SeenBy(Durability.Name)]
    public void What_was_being_written_at_a_crash_is_there_wholly_or_not_at_all()
    {
        var durability = new Durability(Abc);
        durability.Durable(A, [Write(Entry(1, 1), Entry(2, 1))]);
        var none = new HardState(Term.Zero, MemberId.None);
        durability.Begins(A, [Write(Entry(2, 2), Entry(3, 2))]);
        durability.Recovered(A, none, null, [Entry(1, 1), Entry(2, 1)]);
        durability.Begins(A, [Write(Entry(2, 2), Entry(3, 2))]);
        Breaks(Durability.Name, () => durability.Recovered(A, none, null, [Entry(1, 1), Entry(2, 2)]));
        durability.Recovered(A, none, null, [Entry(1, 1), Entry(2, 2), Entry(3, 2)]);
    }
}
