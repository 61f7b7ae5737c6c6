using Consensus.Node.Core;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Tests.Core;

/// <summary>What members are started with is what a new cluster begins with, and nothing after that.</summary>
public sealed class InitialSettingTests
{
    private const long GiB = 1L << 30;

    /// <summary>Each member is given another quota: as many GiB as its number.</summary>
    private static CoreCluster Different(int size) => new(
        size, with: options => options with { InitialSettings = [new SettingValue(Setting.QuotaBytes, options.Self.Value * GiB)] });

    private static Limits[] InForce(CoreCluster cluster) => [.. cluster.Members.Where(m => !m.IsDown).Select(m => m.Core.View.Limits)];

    private static void AssertAgreed(CoreCluster cluster)
    {
        Assert.That(InForce(cluster).Distinct().Count(), Is.EqualTo(1));
        Assert.That(cluster.Members.Where(m => !m.IsDown).Select(m => m.Core.View.Hash).Distinct().Count(), Is.EqualTo(1));
    }

    private static void Write(CoreCluster cluster, Command command)
    {
        var pending = cluster.Leader.Send(command);
        cluster.Until(() => pending.Stage == PendingStage.Answered, "the command is answered");
        cluster.Run(1_000_000);
    }

    [Test]
    public void Members_that_were_started_with_different_settings_go_by_the_same_and_those_whose_are_not_read_say_so()
    {
        var cluster = Different(3);
        cluster.UntilReady();
        cluster.Run(2_000_000);
        AssertAgreed(cluster);
        var quota = cluster.Leader.Core.View.Limits.MaxStateBytes;
        Assert.That(quota, Is.AnyOf(GiB, 2 * GiB, 3 * GiB), "that of the member which announced itself first");
        foreach (var member in cluster.Members)
        {
            var isItsOwn = quota == member.Id.Value * GiB;
            Assert.That(member.Notices.Count(notice => notice.Contains("quota-bytes", StringComparison.Ordinal)), Is.EqualTo(isItsOwn ? 0 : 1), $"{member.Id}");
        }
    }

    [Test]
    public void Members_that_are_given_none_go_by_the_defaults_and_say_nothing()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        cluster.Run(1_000_000);
        Assert.That(InForce(cluster), Is.All.EqualTo(Limits.Default));
        Assert.That(cluster.Members.SelectMany(m => m.Notices), Has.None.Contains("quota-bytes"));
    }

    [Test]
    public void What_was_set_stays_over_a_restart_whatever_the_member_is_started_with()
    {
        var cluster = Different(1);
        cluster.UntilReady();
        Write(cluster, new PutSettingCommand(Setting.MaxLeases, 5_000));
        var before = cluster.Leader;
        cluster.Kill(before);
        var restarted = cluster.Restart(before, othersNotice: true);
        cluster.UntilReady();
        cluster.Run(1_000_000);
        Assert.That((restarted.Core.View.Limits.MaxLeases, restarted.Core.View.Limits.MaxStateBytes), Is.EqualTo((5_000L, GiB)));
    }

    [Test]
    public void A_setting_is_the_same_on_every_member()
    {
        var cluster = new CoreCluster(3);
        cluster.UntilReady();
        Write(cluster, new PutSettingCommand(Setting.HistoryMs, 600_000));
        AssertAgreed(cluster);
        Assert.That(InForce(cluster), Is.All.EqualTo(Limits.Default with { HistoryKeepMicros = 600_000_000 }));
    }
}
