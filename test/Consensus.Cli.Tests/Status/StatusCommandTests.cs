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
        Assert.That(lines[0], Is.EqualTo("MEMBER\tROLE\tTERM\tCOMMIT\tAPPLIED\tLAG\tHEALTH\tCONTACT\tROUND TRIP\tREVISION\tLOG\tKEYS\tLEASES\tLOCKS\tVERSION"));
        Assert.That(lines[1], Is.EqualTo("n1\tleader\t4\t100\t100\t0\thealthy\t-\t-\t55\t64 KiB\t3\t2\t1\t0.1.0"));
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
        Assert.That(run.Output, Does.Contain("n3 does not answer").And.Contain("start n3 again (consensusd --name n3, on its data directory"));
        Assert.That(run.Output, Does.Not.Contain("All is well"));
    }

    [TestCase(2, "silent", false, "and the leader does not hear it either")]
    [TestCase(2, "behind", false, "though the leader hears it")]
    [TestCase(2, "notAcknowledging", false, "though the leader hears it")]
    [TestCase(0, "healthy", true, "though another member hears it")]
    [TestCase(0, "silent", false, "and another member does not hear it either")]
    public async Task Who_hears_a_member_that_does_not_answer_is_told_as_it_is(int down, string health, bool healthy, string sentence)
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Listed = "leader";
        (cluster.Members[down].Healthy, cluster.Members[down].Health) = (healthy, health);
        cluster.Stop(down);
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "status");
        Assert.That(run.Output, Does.Contain($"n{down + 1} does not answer").And.Contain(sentence));
    }

    [TestCase("silent", "n1, the leader, gets no answer from n3 (the last 1.2s ago): check the network between their peer addresses (n1 p1:1, n3 p3:1)")]
    [TestCase("notAcknowledging", "n3 answers n1, the leader, and its log stands still all the same")]
    public async Task A_member_that_the_leader_does_not_call_healthy_is_told(string health, string sentence)
    {
        using var cluster = new FakeMembers();
        (cluster.Members[2].Healthy, cluster.Members[2].Health) = (false, health);
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "status");
        Assert.That(run.Output, Does.Contain(sentence));
        Assert.That(run.Output, Does.Not.Contain("All is well"));
        Assert.That(run.Output.Split('\n')[3], Does.StartWith("n3\t").And.Contain($"\t{(health == "silent" ? "silent" : "not acknowledging")}\t1.2s ago\t0.25 ms\t"));
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
    public async Task What_a_silent_member_is_called_depends_on_whether_the_others_have_it()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(2);
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(0), "status")).Output, Does.Contain("though the leader hears it").And.Contain("--advertise-client"));
        cluster.Members[2].Healthy = false;
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(0), "status")).Output, Does.Contain("the leader does not hear it either: start n3 again"));
    }

    [Test]
    public async Task A_lost_quorum_names_who_is_to_be_started_and_the_way_out_when_their_disks_are_gone()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(1);
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");
        Assert.That(run.ExitCode, Is.EqualTo(3));
        Assert.That(run.Output, Does.Contain("Start 1 of n2, n3 again.").And.Contain("--endpoints MEMBER snapshot save --stale"));
        Assert.That(run.Output.Split('\n')[4], Does.StartWith("Quorum is lost"), "the worst comes first");
    }

    [Test]
    public async Task Without_a_leader_the_peer_addresses_are_told()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Role = "candidate";
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(1), "status")).Output, Does.Contain("(n1 p1:1, n2 p2:1, n3 p3:1)"));
    }

    [Test]
    public async Task A_member_that_is_cut_off_from_its_peers_is_told_beside_the_leader()
    {
        using var cluster = new FakeMembers();
        cluster.Members[1].Role = "pre-candidate";
        cluster.Members[2].Leader = "null";
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("n2 does not hear n1, the leader").And.Contain("(n2 p2:1, n1 p1:1)"));
        Assert.That(run.Output, Does.Contain("n3 knows of no leader"));
    }

    [Test]
    public async Task A_member_too_far_behind_for_the_log_and_one_with_a_slow_disk_are_told()
    {
        using var cluster = new FakeMembers();
        (cluster.Members[0].Applied, cluster.Members[0].First) = (90_000, 80_000);
        (cluster.Members[1].Applied, cluster.Members[1].Last, cluster.Members[1].Durable) = (90_000, 90_000, 85_000);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");
        Assert.That(run.Output, Does.Contain("n3 is 89,900 entries behind, more than the leader's log goes back: it is being sent a snapshot"));
        Assert.That(run.Output, Does.Contain("n2 waits for its disk: 5,000 entries are not flushed yet"));
    }

    [Test]
    public async Task Members_in_different_states_at_one_index_are_told()
    {
        using var cluster = new FakeMembers();
        cluster.Members[2].Hash = "0000000000000bad";
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(0), "status")).Output, Does.Contain("in different states at index 100").And.Contain("check consistency"));
        cluster.Members[2].Applied = 99;
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(0), "status")).Output, Does.Contain("All is well"), "at different indexes nothing can be said");
    }

    [Test]
    public async Task What_is_still_in_plain_and_more_than_one_key_in_use_is_noted()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].AtRest = """
            "encryptionKeys":["k1"],"plainSegments":0,"plainSnapshots":0,
            """;
        cluster.Members[1].AtRest = """
            "encryptionKeys":["k1","k2"],"plainSegments":1,"plainSnapshots":2,
            """;
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");
        Assert.That(run.Output,
            Does.Contain("Note: on n2 plain text remains in 1 log segment and 2 snapshots: each goes with"));
        Assert.That(run.Output,
            Does.Contain("Note: n2 needs the keys k1 and k2: keep all of them in its key file until it needs one only."));
        Assert.That(run.Output, Does.Not.Contain("on n1 plain").And.Not.Contain("n1 needs").And.Not.Contain("n3 needs"));
    }

    [Test]
    public async Task What_works_and_should_be_known_is_a_note_beside_all_is_well()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Insecure = true;
        cluster.Members[1].Version = "0.2.0";
        cluster.Members[2].Listed = "learner";
        cluster.Joining = """[{"id":"9","name":"n4","peerUrl":"p4:1"}]""";
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("All is well: 3 members answer"));
        Assert.That(run.Output, Does.Contain("Note: n4 waits to be added: consensusctl members add n4"));
        Assert.That(run.Output, Does.Contain("Note: n3 has caught up as a learner and does not vote: consensusctl members promote n3"));
        Assert.That(run.Output, Does.Contain("Note: of 2 voters 2 are needed"));
        Assert.That(run.Output, Does.Contain("different versions (0.1.0 on n1 and n3, 0.2.0 on n2)"));
        Assert.That(run.Output, Does.Contain("one member at a time (docs/operations.md)."));
        Assert.That(run.Output, Does.Contain("Note: n1 runs with --insecure"));

        run = await Ctl.RunAsync(cluster.Endpoint(0), "status", "-o", "json");
        using var document = JsonDocument.Parse(run.Output);
        Assert.That(document.RootElement.GetProperty("problems").GetArrayLength(), Is.Zero);
        Assert.That(document.RootElement.GetProperty("notes").GetArrayLength(), Is.EqualTo(5));
    }

    [Test]
    public async Task A_process_that_waits_to_be_added_is_told_as_that_and_as_nothing_else()
    {
        using var cluster = new FakeMembers();
        var waiting = cluster.Members[2];
        (waiting.IsListed, waiting.Id, waiting.Leader, waiting.Applied) = (false, "9", "null", 0);
        (cluster.Members[0].Applied, cluster.Members[1].Applied) = (5_000, 5_000);
        cluster.Joining = """[{"id":"9","name":"n3","peerUrl":"p3:1"}]""";
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status", "--endpoints", $"{cluster.Endpoint(0)},{cluster.Endpoint(2)}");

        Assert.That(run.Output.Split('\n')[3], Does.StartWith("n3\twaits to be added\t4\t0\t0\t-\t"));
        Assert.That(run.Output, Does.Contain("Note: n3 waits to be added: consensusctl members add n3"));
        Assert.That(run.Output, Does.Contain("All is well: 2 members answer, n1 leads."));
        Assert.That(run.Output, Does.Not.Contain("no member of this cluster").And.Not.Contain("knows of no leader").And.Not.Contain("behind"));
    }

    [Test]
    public async Task An_endpoint_that_is_not_open_yet_may_be_a_process_that_waits_to_be_added()
    {
        using var cluster = new FakeMembers();
        cluster.Members[2].IsListed = false;
        cluster.Joining = """[{"id":"9","name":"n3","peerUrl":"p3:1"}]""";
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status", "--endpoints", $"{cluster.Endpoint(0)},{cluster.Endpoint(2)}");
        Assert.That(run.Output, Does.Contain($"{cluster.Endpoint(2).Authority} accepts no connection: should that be n3, which waits to be added, it serves clients in a few seconds; else start"));
    }

    [Test]
    public async Task A_process_that_waits_for_the_name_of_a_dead_member_is_told_with_the_two_commands_and_nobody_is_to_be_started()
    {
        using var cluster = new FakeMembers();
        (cluster.Members[2].Healthy, cluster.Members[2].Health) = (false, "silent");
        cluster.Joining = """[{"id":"9","name":"n3","peerUrl":"p3:1"}]""";
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status");

        Assert.That(run.Output, Does.Contain("n3 does not answer").And.Not.Contain("start n3 again").And.Not.Contain("Note: n3 waits"));
        Assert.That(run.Output, Does.Contain("Note: another process named n3 waits with an empty data directory: if that of the member n3 is lost, consensusctl members remove n3, and then consensusctl members add n3;"));
    }

    [Test]
    public async Task A_member_of_another_cluster_is_no_leader_and_no_measure_here()
    {
        using var cluster = new FakeMembers();
        var stranger = cluster.Members[2];
        (stranger.IsListed, stranger.Role, stranger.Term, stranger.Applied) = (false, "leader", 9, 1_000_000);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "status", "--endpoints", $"{cluster.Endpoint(0)},{cluster.Endpoint(2)}");

        Assert.That(run.Output, Does.Contain($"n3 at {cluster.Endpoint(2).Authority} is no member of this cluster: leave it out of --endpoints."));
        Assert.That(run.Output, Does.Not.Contain("behind").And.Not.Contain("older term"));
    }

    [Test]
    public async Task Without_a_leader_the_option_for_members_that_have_moved_is_named_with_their_names()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Role = "candidate";
        Assert.That((await Ctl.RunAsync(cluster.Endpoint(1), "status")).Output, Does.Contain("--peer-address n1=HOST:PORT,n2=HOST:PORT,n3=HOST:PORT"));
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
