using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Replication;

/// <summary>What is to be persisted is handed over in parts of bounded size. An entry of these tests counts 104 bytes, so two are a part.</summary>
public sealed class PersistPartsTests
{
    private static readonly RaftOptions Parted = Make.Options with { MaxPersistBytes = 250 };

    [Test]
    public void Leader_hands_the_entries_of_a_turn_to_the_disk_in_parts_and_each_counts_when_it_is_durable()
    {
        var host = Make.Leader(1, Make.Voters(1), options: Parted);
        host.PersistsAtOnce = false;
        var parts = new List<int>();
        host.OnReady = ready => parts.Add(ready.Entries.Count);
        for (var i = 0; i < 5; i++)
        {
            host.Node.Propose(Make.Command(), out _, out _);
        }
        host.Pump();
        Assert.That(parts.Where(part => part > 0), Is.EqualTo(new[] { 2, 2, 1 }));
        var before = host.Node.CommitIndex.Value;
        host.PersistOne();
        Assert.That(host.Node.CommitIndex.Value, Is.EqualTo(before + 2), "the first part waits for none of the others");
        host.PersistAll();
        Assert.That(host.Applied.Select(entry => entry.Index.Value).TakeLast(5), Is.EqualTo(new[] { before + 1, before + 2, before + 3, before + 4, before + 5 }));
    }

    [Test]
    public void Follower_acknowledges_only_when_the_last_part_is_durable_and_no_part_names_a_commit_index_above_its_entries()
    {
        var host = Make.Host(1, Make.Voters(3), term: 1, options: Parted);
        host.PersistsAtOnce = false;
        var parts = new List<(int Entries, long Commit)>();
        host.OnReady = ready =>
        {
            if (ready.Entries.Count > 0)
            {
                parts.Add((ready.Entries.Count, ready.CommitIndex.Value));
            }
        };
        host.Step(new AppendRequest(
            Make.Id(2), Make.Id(1), new Term(1), LogIndex.Zero, Term.Zero, Make.Log(1, 1, 1, 1, 1), new LogIndex(5), ClusterTime.Zero, 0));
        Assert.That(parts, Is.EqualTo(new[] { (2, 2L), (2, 4L), (1, 5L) }));
        host.PersistOne();
        host.PersistOne();
        Assert.That(host.Take<AppendResponse>(), Is.Empty);
        host.PersistOne();
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(5)));
    }

    [Test]
    public void Entry_that_is_larger_than_a_part_goes_alone()
    {
        var host = Make.Leader(1, Make.Voters(1), options: Parted);
        var parts = new List<int>();
        host.OnReady = ready => parts.Add(ready.Entries.Count);
        host.Node.Propose(Make.Command(), out _, out _);
        host.Node.Propose(Make.Command(1_000), out _, out _);
        host.Node.Propose(Make.Command(), out _, out _);
        host.Pump();
        Assert.That(parts.Where(part => part > 0), Is.EqualTo(new[] { 1, 1, 1 }));
    }
}
