using System.Text.Json;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Status;

internal sealed class StatusCommandTests
{
    [Test]
    public async Task One_endpoint_is_enough_to_see_every_member()
    {
        using var cluster = new FakeMembers();
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "status");

        var lines = run.Output.TrimEnd().Split('\n');
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(lines[0], Is.EqualTo("MEMBER\tROLE\tTERM\tCOMMIT\tAPPLIED\tLAG\tREVISION\tLOG\tKEYS\tLEASES\tLOCKS\tVERSION"));
        Assert.That(lines[1], Is.EqualTo("n1\tleader\t4\t100\t100\t0\t55\t64 KiB\t3\t2\t1\t0.1.0"));
        Assert.That(lines.Skip(2).Take(2).Select(line => line[..11]), Is.EqualTo(new[] { "n2\tfollower", "n3\tfollower" }));
        Assert.That(lines[4], Is.EqualTo("All is well: 3 members answer, n1 leads."));
    }

    [Test]
    public async Task A_member_that_is_down_is_a_row_and_a_sentence()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");

        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("n3\tunreachable\t-"));
        Assert.That(run.Output, Does.Contain("n3 does not answer").And.Contain("start it again"));
        Assert.That(run.Output, Does.Not.Contain("All is well"));
    }

    [Test]
    public async Task A_lost_quorum_is_told_and_is_exit_3()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(0);
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "status");

        Assert.That(run.ExitCode, Is.EqualTo(3));
        Assert.That(run.Output, Does.Contain("Quorum is lost: 1 of 3 members answer and 2 are needed"));
    }

    [Test]
    public async Task No_leader_among_answering_members_is_told_and_is_exit_3()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Role = "candidate";
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "status");

        Assert.That(run.ExitCode, Is.EqualTo(3));
        Assert.That(run.Output, Does.Contain("There is no leader"));
    }

    [Test]
    public async Task A_lagging_member_an_alarm_and_a_former_leader_are_told()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Applied = 50_100;
        cluster.Members[1].Applied = 50_100;
        cluster.Members[1].Alarms = "\"the disk is slow.\"";
        cluster.Members[2].Role = "leader";
        cluster.Members[2].Term = 3;
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "status");

        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("n3 is 50,000 entries behind"));
        Assert.That(run.Output, Does.Contain("n2: the disk is slow."));
        Assert.That(run.Output, Does.Contain("n3 still takes itself for the leader of the older term 3"));
    }

    [Test]
    public async Task A_cluster_that_is_away_is_exit_3_with_its_endpoints_as_rows()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(0);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");

        Assert.That(run.ExitCode, Is.EqualTo(3));
        Assert.That(run.Output, Does.Contain($"{cluster.Endpoint(0).Authority}\tunreachable"));
        Assert.That(run.Output, Does.Contain("Nobody answers"));
    }

    [Test]
    public async Task Json_is_one_document_with_each_members_own_answer()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status", "-o", "json");

        using var document = JsonDocument.Parse(run.Output);
        var members = document.RootElement.GetProperty("members").EnumerateArray().ToList();
        Assert.That(members.Select(member => member.GetProperty("reachable").GetBoolean()), Is.EqualTo(new[] { true, true, false }));
        Assert.That(members[0].GetProperty("status").GetProperty("durableIndex").GetInt64(), Is.EqualTo(100));
        Assert.That(document.RootElement.GetProperty("problems").GetArrayLength(), Is.EqualTo(1));
    }
}
