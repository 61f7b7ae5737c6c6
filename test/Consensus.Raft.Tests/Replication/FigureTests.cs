using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Replication;

/// <summary>The paper's figures 7 and 8, played.</summary>
public sealed class FigureTests
{
    private static readonly long[] LeaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

    private static readonly long[][] FollowerLogs =
    [
        [1, 1, 1, 4, 4, 5, 5, 6, 6],
        [1, 1, 1, 4],
        [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        [1, 1, 1, 4, 4, 4, 4],
        [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];

    [Test]
    public void Figure_7_every_follower_takes_the_leaders_log()
    {
        var configuration = Make.Voters(7);
        var hosts = new List<Host> { Make.Host(1, configuration, Make.Log(LeaderLog), term: 7) };
        for (var i = 0; i < FollowerLogs.Length; i++)
        {
            hosts.Add(Make.Host(i + 2, configuration, Make.Log(FollowerLogs[i]), term: 7));
        }
        var network = new Network([.. hosts]);
        network.Elect(1);
        network.Tick(Make.Options.HeartbeatIntervalTicks);
        foreach (var host in network.Hosts)
        {
            long[] terms = [.. host.Disk.Entries.Select(e => e.Term.Value)];
            Assert.That(terms, Is.EqualTo((long[])[.. LeaderLog, 8]));
            Assert.That(host.AppliedIndex, Is.EqualTo(new LogIndex(11)));
        }
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    public void Figure_7_conflicts_are_found_by_terms_and_not_entry_by_entry(int follower)
    {
        var configuration = Make.Voters(2);
        var leader = Make.Leader(1, configuration, Make.Log(LeaderLog), term: 7);
        var other = Make.Host(2, configuration, Make.Log(FollowerLogs[follower]), term: 8);
        var probes = 0;
        while (leader.Node.GetProgress()[0].Match < leader.Node.LastIndex)
        {
            foreach (var request in leader.Take<AppendRequest>())
            {
                probes++;
                other.Step(request);
            }
            foreach (var response in other.Take<AppendResponse>())
            {
                leader.Step(response);
            }
            Assert.That(probes, Is.LessThan(5));
        }
    }

    [Test]
    public void Figure_8_an_entry_of_an_older_term_is_not_committed_by_counting_copies()
    {
        // (c): S1 leads in term 4 and has copied its entry of term 2 to a majority.
        var s1 = Make.Leader(1, Make.Voters(5), Make.Log(1, 2), term: 3);
        Assert.That(s1.Node.Term, Is.EqualTo(new Term(4)));
        s1.Step(Acknowledgement(s1, 2, 2));
        s1.Step(Acknowledgement(s1, 3, 2));
        Assert.That(s1.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        Assert.That(s1.Node.HasCommittedInTerm, Is.False);

        // (e): an entry of its own term on a majority commits everything before it too.
        s1.Step(Acknowledgement(s1, 2, 3));
        Assert.That(s1.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        s1.Step(Acknowledgement(s1, 3, 3));
        Assert.That(s1.Node.CommitIndex, Is.EqualTo(new LogIndex(3)));
        Assert.That(s1.Node.HasCommittedInTerm, Is.True);
        Assert.That(s1.Applied.Select(e => e.Term.Value), Is.EqualTo(new[] { 1, 2, 4 }));
    }

    [Test]
    public void Figure_8_a_copied_entry_of_an_older_term_may_still_be_overwritten()
    {
        // (d): S5, with an entry of term 3, wins with the votes of S2, S3 and S4 and overwrites the entry of term 2 on a majority.
        var configuration = Make.Voters(5);
        var network = new Network(
            Make.Host(1, configuration, Make.Log(1, 2), term: 4),
            Make.Host(2, configuration, Make.Log(1, 2), term: 4),
            Make.Host(3, configuration, Make.Log(1, 2), term: 4),
            Make.Host(4, configuration, Make.Log(1), term: 4),
            Make.Host(5, configuration, Make.Log(1, 3), term: 4));
        network.Isolate(1);
        network.Elect(5);
        network.Heal();
        network.Tick(2 * Make.Options.HeartbeatIntervalTicks);
        foreach (var host in network.Hosts)
        {
            Assert.That(host.Disk.Entries.Select(e => e.Term.Value), Is.EqualTo(new[] { 1, 3, 5 }));
        }
    }

    private static AppendResponse Acknowledgement(Host leader, int from, long match) =>
        new(Make.Id(from), leader.Id, leader.Node.Term, true, new LogIndex(match), LogIndex.Zero, Term.Zero, 0);
}
