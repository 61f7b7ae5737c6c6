using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Log;

/// <summary>Configurations are in force as soon as they are in the log. Raft §6.</summary>
public sealed class ConfigurationTests
{
    private static readonly Configuration Old = Make.Voters(3);
    private static readonly Configuration Joint = Make.Configured([1, 2, 3, 4], outgoing: [1, 2, 3]);
    private static readonly Configuration New = Make.Voters(4);

    [Test]
    public void Follower_uses_a_configuration_as_soon_as_it_is_appended_and_the_old_one_when_it_is_cut_off()
    {
        var host = Make.Host(2, Old, Make.Log(1));
        host.Step(Append(host, 1, 1, 1, Make.ConfigurationEntry(2, 1, Joint), Make.ConfigurationEntry(3, 1, New)));
        Assert.That(host.Node.Configuration, Is.EqualTo(New).Using<Configuration>(Same));
        host.Step(Append(host, 2, 2, 1, Make.Entry(3, 2)));
        Assert.That(host.Node.Configuration, Is.EqualTo(Joint).Using<Configuration>(Same));
        host.Step(Append(host, 3, 1, 1, Make.Entry(2, 3)));
        Assert.That(host.Node.Configuration, Is.EqualTo(Old).Using<Configuration>(Same));
    }

    [Test]
    public void Restart_finds_the_configuration_in_the_log()
    {
        var host = Make.Host(2, Old, [Make.Entry(1, 1), Make.ConfigurationEntry(2, 1, Joint), Make.Entry(3, 1)]);
        Assert.That(host.Node.Configuration, Is.EqualTo(Joint).Using<Configuration>(Same));
    }

    [Test]
    public void Leader_with_a_joint_configuration_in_its_log_counts_both_majorities()
    {
        var joint = Make.Configured([1, 4, 5], outgoing: [1, 2, 3]);
        var host = Make.Leader(1, Old, [Make.ConfigurationEntry(1, 1, joint)]);
        Assert.That(host.Node.GetProgress().Select(p => p.Member), Is.EqualTo(new[] { 2, 3, 4, 5 }.Select(Make.Id)));
        host.AcknowledgeAll(2, 3);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(LogIndex.Zero));
        host.AcknowledgeAll(4);
        Assert.That(host.Node.CommitIndex, Is.EqualTo(new LogIndex(2)));
    }

    [Test]
    public void Compaction_and_snapshots_keep_the_configuration_in_force()
    {
        var history = new ConfigurationHistory(Old);
        history.Append(Make.ConfigurationEntry(2, 1, Joint));
        history.Append(Make.ConfigurationEntry(5, 1, New));
        history.CompactThrough(new LogIndex(3));
        Assert.That(history.Current, Is.EqualTo(New).Using<Configuration>(Same));
        Assert.That(history.TruncateAfter(new LogIndex(4)), Is.True);
        Assert.That(history.Current, Is.EqualTo(Joint).Using<Configuration>(Same));
        Assert.That(history.TruncateAfter(new LogIndex(4)), Is.False);
        history.Reset(Old);
        Assert.That(history.Current, Is.SameAs(Old));
    }

    private static bool Same(Configuration one, Configuration other) =>
        one.Members.SequenceEqual(other.Members)
        && one.Voters.SequenceEqual(other.Voters)
        && one.OutgoingVoters.SequenceEqual(other.OutgoingVoters)
        && one.Learners.SequenceEqual(other.Learners);

    private static AppendRequest Append(Host host, long term, long previousIndex, long previousTerm, params Entry[] entries) =>
        new(Make.Id(1), host.Id, new Term(term), new LogIndex(previousIndex), new Term(previousTerm), entries, LogIndex.Zero, ClusterTime.Zero, 0);
}
