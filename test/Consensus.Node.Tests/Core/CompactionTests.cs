using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>When a leader has the history forgotten, in virtual time.</summary>
public sealed class CompactionTests
{
    private static PutCommand Put(string key, int bytes = 1) => new(Key.FromText(key), new byte[bytes], LeaseId.None, KeyCondition.None);

    [Test]
    public void A_leader_has_history_forgotten_by_age_and_an_idle_cluster_logs_nothing_more()
    {
        var cluster = new CoreCluster(3, new Limits { HistoryKeepMicros = 10_000_000 });
        cluster.UntilReady();
        var written = Revision.Zero;
        for (var i = 0; i < 20; i++)
        {
            written = Write(cluster, Put($"k{i % 5}"));
        }
        cluster.Run(9_000_000);
        Assert.That(cluster.Members.Select(m => m.Core.View.CompactRevision), Is.All.EqualTo(Revision.Zero), "it is young");
        cluster.Run(3_500_000);
        Assert.That(cluster.Members.Select(m => m.Core.View.CompactRevision), Is.All.EqualTo(written));
        Assert.That(cluster.Members.Select(m => m.Core.View.Counts.Changes), Is.All.Zero);
        Assert.That(cluster.Members.Select(m => m.Core.View.Counts.Keys), Is.All.EqualTo(5));
        var last = cluster.Leader.Core.Status.LastIndex;
        cluster.Run(30_000_000);
        Assert.That(cluster.Leader.Core.Status.LastIndex, Is.EqualTo(last), "nothing is due, nothing is logged");
    }

    [Test]
    public void A_history_that_grew_too_large_is_forgotten_whatever_its_age_and_in_small_steps()
    {
        var cluster = new CoreCluster(1, new Limits { MaxHistoryBytes = 1_000_000 });
        cluster.UntilReady();
        for (var i = 0; i < 9_000; i++)
        {
            cluster.Leader.Send(Put($"k{i % 100}", bytes: 50));
            if (i % 1_000 == 999)
            {
                cluster.Run(20_000);
            }
        }
        var core = cluster.Leader.Core;
        cluster.Run(1_500_000);
        Assert.That(core.View.Counts.HistoryBytes, Is.InRange(900_000, 1_000_000));
        Assert.That(core.View.CompactRevision.Value, Is.Positive);
        Assert.That(core.View.ChangesFrom(core.View.CompactRevision.Next).Count(), Is.EqualTo(core.View.Counts.Changes));
    }

    [Test]
    public void A_trickle_of_writes_is_not_doubled_by_entries_that_forget_it()
    {
        var cluster = new CoreCluster(1, new Limits { HistoryKeepMicros = 10_000_000 });
        cluster.UntilReady();
        var before = cluster.Leader.Core.Status.LastIndex;
        for (var second = 0; second < 40; second++)
        {
            Write(cluster, Put("k"));
            cluster.Run(1_000_000);
        }
        var others = cluster.Leader.Core.Status.LastIndex - before - 40;
        Assert.That(others, Is.InRange(5, 30), "about one entry forgets several writes");
        Assert.That(cluster.Leader.Core.View.Counts.Changes, Is.InRange(9, 13));
    }

    [Test]
    public void A_new_leader_goes_on_forgetting()
    {
        var cluster = new CoreCluster(3, new Limits { HistoryKeepMicros = 10_000_000 });
        cluster.UntilReady();
        var written = Write(cluster, Put("k"));
        cluster.Run(5_000_000);
        cluster.Kill(cluster.Leader);
        var survivor = cluster.Members.First(m => !m.IsDown);
        cluster.Until(() => survivor.Core.View.CompactRevision == written, "the history is forgotten");
        Assert.That(survivor.Core.View.Counts.Changes, Is.Zero);
    }

    private static Revision Write(CoreCluster cluster, Command command)
    {
        var pending = cluster.Leader.Send(command);
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the write is answered");
        return pending.Answer.Outcome!.Revision;
    }
}
