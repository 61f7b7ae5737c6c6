using Consensus.Api.Cluster;
using Consensus.Cli.Status;
using Consensus.Cli.Top;

namespace Consensus.Cli.Tests.Top;

internal sealed class TopScreenTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static MemberReport Member(string name, string role = "follower", long reads = 0, long writes = 0, long applied = 100, long uptimeMs = 10_000, params string[] alarms) =>
        new(name, new Uri("http://127.0.0.1:1"), new MemberAnswer("1", name, role, false, "", "", null, true), new StatusAnswer
        {
            Name = name,
            MemberId = "1",
            ClusterId = "c1",
            Version = "1",
            Role = role,
            Leader = "n1",
            Term = 4,
            CommitIndex = applied,
            AppliedIndex = applied,
            FirstIndex = 1,
            LastIndex = applied,
            DurableIndex = applied,
            Revision = 50,
            StateHash = "0",
            ClusterTimeMs = 0,
            LogBytes = 0,
            SnapshotIndex = 0,
            SnapshotBytes = 0,
            Keys = 3,
            Leases = 2,
            Locks = 1,
            Waiters = 0,
            IdempotencyKeys = 0,
            StateBytes = 0,
            UptimeMs = uptimeMs,
            Ready = true,
            Insecure = false,
            Alarms = alarms,
            Reads = reads,
            Writes = writes,
            Failures = 0,
            CpuMs = reads,
        }, "", "");

    private static MemberReport Silent(string name) =>
        new(name, null, new MemberAnswer("3", name, "follower", false, "", "", null, false), null, "", "accepts no connection.");

    private static TopSample At(double seconds, params MemberReport[] members) => new(new ClusterReport(members, true), TimeSpan.FromSeconds(seconds));

    private static string[] Texts(TopView view, int width = 160) => [.. TopScreen.Lines(view, width, Second).Select(line => line.Text)];

    [Test]
    public void Rates_are_what_happened_between_two_samples()
    {
        var view = new TopView(At(10, Member("n1", "leader", 100, 10, 1_000), Member("n2", reads: 5)), At(12, Member("n1", "leader", 500, 30, 1_100), Member("n2", reads: 5)));
        Assert.That(view.Rates[0], Is.EqualTo(new MemberRates(200, 10, 0, 50, 20)));
        Assert.That(view.Rates[1], Is.EqualTo(new MemberRates(0, 0, 0, 0, 0)));
        Assert.That(view.Total(rates => rates.Reads), Is.EqualTo(200));
        Assert.That(Texts(view)[2], Is.EqualTo("reads 200/s   writes 10/s   failed 0/s   entries 50/s"));
    }

    [Test]
    public void There_are_no_rates_at_first_nor_of_a_member_that_was_started_anew_or_is_silent()
    {
        Assert.That(Texts(new TopView(null, At(1, Member("n1", "leader"))))[2], Is.EqualTo("reads -/s   writes -/s   failed -/s   entries -/s"));
        var view = new TopView(
            At(1, Member("n1", "leader", 500, uptimeMs: 10_000), Member("n2", reads: 100), Silent("n3")),
            At(2, Member("n1", "leader", 3, uptimeMs: 200), Silent("n2"), Member("n3", reads: 900)));
        Assert.That(view.Rates.Select(rates => rates.Reads), Is.All.Null);
    }

    [Test]
    public void Each_member_has_a_row_and_what_is_wrong_is_told_in_words()
    {
        var view = new TopView(null, At(1, Member("n1", "leader"), Member("n2", alarms: "its clock drifts"), Silent("n3")));
        var lines = TopScreen.Lines(view, 160, Second);
        Assert.That(lines[0].Text, Does.StartWith(" consensus c1   n1 leads in term 4").And.EndWith("every 1s, q quits ").And.Length.EqualTo(160));
        Assert.That(lines.Single(line => line.Text.StartsWith("n1 ", StringComparison.Ordinal)).Style, Is.EqualTo(LineStyle.Good));
        Assert.That(lines.First(line => line.Text.StartsWith("n2 ", StringComparison.Ordinal)).Style, Is.EqualTo(LineStyle.Bad));
        Assert.That(lines.First(line => line.Text.StartsWith("n3 ", StringComparison.Ordinal)).Text, Does.Match("^n3 +unreachable( +-)+$"));
        Assert.That(lines.Select(line => line.Text), Has.Some.StartsWith("n3 does not answer").And.Some.EqualTo("n2: its clock drifts."));
    }

    [Test]
    public void A_healthy_cluster_says_so()
    {
        Assert.That(Texts(new TopView(null, At(1, Member("n1", "leader"), Member("n2"), Member("n3"))))[^1], Is.EqualTo("All is well: 3 members answer, n1 leads."));
    }

    [TestCase(20)]
    [TestCase(47)]
    [TestCase(80)]
    [TestCase(200)]
    public void No_line_is_wider_than_the_terminal(int width)
    {
        var view = new TopView(null, At(1, Member("n1", "leader"), Member("a-member-with-quite-a-name"), Silent("n3"), Silent("n4"), Silent("n5")));
        foreach (var line in TopScreen.Lines(view, width, Second))
        {
            var drawn = System.Text.RegularExpressions.Regex.Replace(line.Draw(width), "\u001b\\[[0-9;]*m", "");
            Assert.That(drawn, Has.Length.LessThanOrEqualTo(width), line.Text);
        }
    }

    [Test]
    public void Sentences_are_broken_between_words_and_lose_none()
    {
        const string Sentence = "one two three four five six seven eight nine ten";
        var lines = TopScreen.Wrap(Sentence, 16).ToList();
        Assert.That(lines, Has.Count.GreaterThan(2));
        Assert.That(lines.Select(line => line.Length), Has.All.LessThanOrEqualTo(16));
        Assert.That(string.Join(' ', lines.Select(line => line.Trim())), Is.EqualTo(Sentence));
        Assert.That(lines.Skip(1), Has.All.StartsWith("  "));
    }
}
