using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Elections;

/// <summary>The first moments of a process: what it knows to be committed, and how soon it stands when nobody can be leading.</summary>
public sealed class StartTests
{
    private static readonly int Short = Make.Options.StartDelayTicks;

    [Test]
    public void Member_that_reached_a_majority_and_heard_of_no_leader_stands_after_the_short_wait()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.Node.ReportReachable(Make.Id(2));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.LessThanOrEqualTo(Short));
        host.TickToTimeout();
        Check.All(host.Take<PreVoteRequest>(), r => r.Term == new Term(4) && !r.LeaderGone);
        Assert.That(host.Node.Term, Is.EqualTo(new Term(3)), "a pre-vote disturbs nobody");
    }

    [Test]
    public void Member_that_reached_too_few_waits_for_an_election_timeout()
    {
        var host = Make.Host(1, Make.Voters(5), term: 3);
        host.Node.ReportReachable(Make.Id(2));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThanOrEqualTo(Make.T));
        host.Node.ReportReachable(Make.Id(2));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThanOrEqualTo(Make.T), "one member counts once");
        host.Node.ReportReachable(Make.Id(3));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.LessThanOrEqualTo(Short));
    }

    [Test]
    public void In_a_joint_configuration_a_majority_of_each_half_must_be_reached()
    {
        var host = Make.Host(1, Make.Configured([1, 2, 3], outgoing: [1, 4, 5]), term: 3);
        host.Node.ReportReachable(Make.Id(2));
        host.Node.ReportReachable(Make.Id(3));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThanOrEqualTo(Make.T));
        host.Node.ReportReachable(Make.Id(4));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.LessThanOrEqualTo(Short));
    }

    [Test]
    public void Member_that_heard_of_a_leader_does_not_stand_soon()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.Step(new HeartbeatRequest(Make.Id(3), host.Id, new Term(3), LogIndex.Zero, ClusterTime.Zero, 0));
        host.Node.ReportReachable(Make.Id(2));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThan(Short));
    }

    [Test]
    public void A_link_that_comes_back_later_is_no_start()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.Node.ReportReachable(Make.Id(2));
        host.TickToTimeout();
        host.Step(new PreVoteResponse(Make.Id(2), host.Id, new Term(3), false));
        host.Step(new PreVoteResponse(Make.Id(3), host.Id, new Term(3), false));
        host.Node.ReportReachable(Make.Id(3));
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThan(Short));
    }

    [Test]
    public void Member_that_granted_a_pre_vote_at_its_start_stands_aside()
    {
        var host = Make.Host(1, Make.Voters(3), term: 3);
        host.Node.ReportReachable(Make.Id(2));
        host.Step(new PreVoteRequest(Make.Id(2), host.Id, new Term(4), LogIndex.Zero, Term.Zero, false));
        Assert.That(host.TakeOne<PreVoteResponse>().Granted, Is.True);
        Assert.That(host.Node.TicksUntilNextTimeout(), Is.GreaterThanOrEqualTo(Short));
    }

    [Test]
    public void A_learner_does_not_stand_however_many_it_reached()
    {
        var host = Make.Host(4, Make.Configured([1, 2, 3], learners: [4]), term: 3);
        host.Node.ReportReachable(Make.Id(1));
        host.Node.ReportReachable(Make.Id(2));
        host.TickToTimeout();
        Assert.That(host.Take<PreVoteRequest>(), Is.Empty);
    }

    [Test]
    public void What_was_known_to_be_committed_is_handed_out_at_the_start_and_no_more()
    {
        var node = Started(commit: 3);
        Assert.That(node.CommitIndex, Is.EqualTo(new LogIndex(3)));
        Assert.That(node.TakeReady().Committed.Select(e => e.Index.Value), Is.EqualTo(new long[] { 1, 2, 3 }));
        Assert.That(node.HasReady, Is.False);
    }

    [Test]
    public void A_commit_index_beyond_the_log_is_a_broken_invariant() =>
        Assert.That(() => Started(commit: 6), Throws.TypeOf<InvariantViolationException>());

    [Test]
    public void Committed_entries_are_taken_one_at_a_time_or_all_together()
    {
        var node = Started(commit: 5);
        Assert.That(node.TakeReady(withCommitted: false).Committed, Is.Empty);
        Assert.That(node.TryTakeCommitted(out var first), Is.True);
        Assert.That(first!.Index, Is.EqualTo(new LogIndex(1)));
        Assert.That((node.HasCommitted, node.HasOutput), Is.EqualTo((true, false)));
        Assert.That(node.TakeReady().Committed.Select(e => e.Index.Value), Is.EqualTo(new long[] { 2, 3, 4, 5 }));
        Assert.That((node.HasCommitted, node.TryTakeCommitted(out _)), Is.EqualTo((false, false)));
    }

    private static RaftNode Started(long commit) => new(
        Make.Options,
        new RaftInitialState(Make.Id(1), new HardState(new Term(2), MemberId.None), Make.Voters(3), null, Make.Log(1, 1, 1, 2, 2), new LogIndex(commit)));
}
