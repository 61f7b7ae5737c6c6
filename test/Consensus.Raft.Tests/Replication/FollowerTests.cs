using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Replication;

/// <summary>AppendEntries at the receiver. Raft figure 2, §5.3.</summary>
public sealed class FollowerTests
{
    [Test]
    public void Entries_are_acknowledged_only_after_they_are_durable()
    {
        // raft-bugs 6.
        var host = Make.Host(1, Make.Voters(3), term: 1);
        host.PersistsAtOnce = false;
        host.Step(Append(1, 0, 0, Make.Log(1, 1), commit: 2));
        Assert.That(host.Sent, Is.Empty);
        Assert.That(host.Applied, Is.Empty, "nor is anything applied that could be forgotten");
        Assert.That(host.Node.DurableIndex, Is.EqualTo(LogIndex.Zero));
        host.PersistOne();
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(2)));
        Assert.That(host.Applied, Has.Count.EqualTo(2));
        Assert.That(host.Disk.Entries, Has.Count.EqualTo(2));
    }

    [Test]
    public void Acknowledgement_of_entries_that_are_still_on_their_way_waits_for_them()
    {
        var host = Make.Host(1, Make.Voters(3), term: 1);
        host.PersistsAtOnce = false;
        host.Step(Append(1, 0, 0, Make.Log(1, 1)));
        host.Step(Append(1, 0, 0, Make.Log(1, 1)));
        Assert.That(host.Sent, Is.Empty, "the second request brought nothing new, but the first is not durable yet");
        host.PersistOne();
        Assert.That(host.Take<AppendResponse>(), Has.Count.EqualTo(2));
    }

    [Test]
    public void Quiet_request_is_answered_only_when_the_log_does_not_match()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1), term: 1);
        host.Step(Append(1, 2, 1, [], commit: 2) with { IsQuiet = true });
        Assert.That(host.Sent, Is.Empty);
        Assert.That(host.Applied, Has.Count.EqualTo(2), "it tells the commit index");
        host.Step(Append(1, 3, 1, [], commit: 3) with { IsQuiet = true });
        Assert.That(host.TakeOne<AppendResponse>().Success, Is.False, "entries before it were lost");
    }

    [Test]
    public void Several_writes_may_be_on_their_way()
    {
        var host = Make.Host(1, Make.Voters(3), term: 1);
        host.PersistsAtOnce = false;
        host.Step(Append(1, 0, 0, Make.Log(1, 1)));
        host.Step(Append(1, 2, 1, [Make.Entry(3, 1)]));
        Assert.That(host.Disk.Waiting, Is.EqualTo(2));
        host.PersistOne();
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(2)));
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(2)));
        host.PersistOne();
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(3)));
    }

    [Test]
    public void Entry_that_conflicts_is_replaced_with_all_that_follow_it()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1, 2, 2), term: 3);
        host.Step(Append(3, 2, 1, [Make.Entry(3, 3)]));
        Assert.That(host.Disk.Entries.Select(e => e.Term.Value), Is.EqualTo(new[] { 1, 1, 3 }));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(3)));
    }

    [Test]
    public void Delayed_or_overlapping_append_cuts_nothing_off()
    {
        // raft-bugs 37.
        var host = Make.Host(1, Make.Voters(3), term: 1);
        var log = Make.Log(1, 1, 1, 1, 1, 1);
        host.Step(Append(1, 0, 0, log));
        host.Take<Message>();
        host.Step(Append(1, 0, 0, log[..2]));
        Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(6)));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(2)), "it acknowledges that request, not its whole log");
        host.Step(Append(1, 2, 1, log[2..4]));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(4)));
        host.Step(Append(1, 3, 1, []));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(3)));
        Assert.That(host.Disk.Entries, Has.Count.EqualTo(6));
    }

    [Test]
    public void Acknowledgement_does_not_cover_entries_that_the_leader_did_not_send()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1, 2, 2), term: 3);
        host.Step(Append(3, 1, 1, [Make.Entry(2, 1)], commit: 4));
        Assert.That(host.TakeOne<AppendResponse>().MatchIndex, Is.EqualTo(new LogIndex(2)));
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(2)), "what follows may differ from the leader's log");
    }

    [Test]
    public void Gap_is_refused_with_the_last_index_as_a_hint()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1), term: 1);
        host.Step(Append(1, 5, 1, [Make.Entry(6, 1)]));
        var response = host.TakeOne<AppendResponse>();
        Assert.That(
            (response.Success, response.MatchIndex.Value, response.HintIndex.Value, response.HintTerm.Value),
            Is.EqualTo((false, 5L, 2L, 1L)));
    }

    [Test]
    public void Conflict_hints_past_the_whole_term()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1, 3, 3, 3, 3), term: 5);
        host.Step(Append(5, 6, 2, []));
        var response = host.TakeOne<AppendResponse>();
        Assert.That((response.HintIndex.Value, response.HintTerm.Value), Is.EqualTo((2L, 1L)));
    }

    [Test]
    public void Append_of_an_older_term_is_refused_and_changes_nothing()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1), term: 3);
        host.Step(Append(2, 0, 0, [Make.Entry(1, 2)]));
        Assert.That(host.Node.LastIndex, Is.EqualTo(new LogIndex(2)));
        var response = host.TakeOne<AppendResponse>();
        Assert.That((response.Success, response.Term.Value), Is.EqualTo((false, 3L)));
    }

    [Test]
    public void Commit_index_never_goes_back_and_never_past_the_log()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1, 1), term: 1);
        host.Step(Append(1, 3, 1, [], commit: 9));
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(3)));
        host.Step(Append(1, 1, 1, [], commit: 1));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), new LogIndex(2), ClusterTime.Zero, 0));
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(3)));
        host.Step(new HeartbeatRequest(Make.Id(2), host.Id, new Term(1), new LogIndex(50), ClusterTime.Zero, 0));
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(3)), "a commit index above the log says nothing (etcd 21518)");
    }

    [Test]
    public void Committed_entry_is_never_cut_off()
    {
        var host = Make.Host(1, Make.Voters(3), Make.Log(1, 1, 1), term: 1);
        host.Step(Append(1, 3, 1, [], commit: 2));
        Assert.That(
            () => host.Step(Append(2, 1, 1, [Make.Entry(2, 2)])),
            Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void Request_that_no_leader_sends_is_ignored()
    {
        var host = Make.Host(1, Make.Voters(3), term: 2);
        host.Step(Append(2, 0, 0, [Make.Entry(2, 1)]));
        host.Step(Append(2, 0, 0, [Make.Entry(1, 1), Make.Entry(3, 1)]));
        host.Step(Append(2, 0, 0, [Make.Entry(1, 2), Make.Entry(2, 1)]));
        host.Step(Append(2, 0, 0, [Make.Entry(1, 3)]));
        Assert.That(host.Node.LastIndex, Is.EqualTo(LogIndex.Zero));
        Assert.That(host.Sent, Is.Empty);
    }

    [Test]
    public void Write_that_a_later_one_replaces_makes_nothing_durable()
    {
        var host = Make.Host(1, Make.Voters(3), term: 1);
        host.PersistsAtOnce = false;
        host.Step(Append(1, 0, 0, Make.Log(1, 1, 1)));
        host.Step(Append(2, 1, 1, [Make.Entry(2, 2)]));
        host.PersistOne();
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(1)));
        host.PersistOne();
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(2)));
        Assert.That(host.Disk.Entries.Select(e => e.Term.Value), Is.EqualTo(new[] { 1, 2 }));
    }

    [Test]
    public void Write_is_not_durable_while_the_cut_that_undoes_it_and_the_write_that_restores_it_are_on_their_way()
    {
        var host = Make.Host(1, Make.Voters(3), term: 1);
        host.PersistsAtOnce = false;
        host.Step(Append(1, 0, 0, Make.Log(1, 1)));
        host.Step(Append(2, 1, 1, [Make.Entry(2, 2)]));
        host.Step(Append(3, 1, 1, [Make.Entry(2, 1)]));
        host.PersistOne();
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(1)), "the second write takes the entry away again before the third brings it back");
        host.PersistAll();
        Assert.That(host.Node.DurableIndex, Is.EqualTo(new LogIndex(2)));
    }

    [Test]
    public void Committed_entries_are_handed_out_once_in_order_and_in_bounded_parts()
    {
        var host = Make.Host(1, Make.Voters(3), term: 1, options: Make.Options with { MaxCommittedBytes = 250 });
        var parts = new List<int>();
        host.OnReady = ready => parts.Add(ready.Committed.Count);
        host.Step(Append(1, 0, 0, Make.Log(1, 1, 1, 1, 1), commit: 5));
        Assert.That(host.Applied.Select(e => e.Index.Value), Is.EqualTo(new[] { 1, 2, 3, 4, 5 }));
        Assert.That(parts.Where(p => p > 0), Is.EqualTo(new[] { 2, 2, 1 }));
    }

    private static AppendRequest Append(long term, long previousIndex, long previousTerm, Entry[] entries, long commit = 0) =>
        new(Make.Id(2), Make.Id(1), new Term(term), new LogIndex(previousIndex), new Term(previousTerm), entries, new LogIndex(commit), ClusterTime.Zero, 0);
}
