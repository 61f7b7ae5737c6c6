using System.Text.Json;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Checks;

internal sealed class ConsistencyTests
{
    [Test]
    public async Task Equal_members_are_a_table_a_sentence_and_exit_0()
    {
        using var cluster = new FakeMembers();
        var run = await Ctl.RunAsync(cluster.Endpoint(1), "check", "consistency");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        var lines = run.Output.TrimEnd().Split('\n');
        Assert.That(lines[0], Is.EqualTo("MEMBER\tROLE\tINDEX\tSTATE HASH\tVERDICT"));
        Assert.That(lines[1], Is.EqualTo("n1\tleader\t100\t000000000000abcd\tequal"));
        Assert.That(lines[^1], Is.EqualTo("All 3 members are in the same state at index 100."));
    }

    [Test]
    public async Task All_are_asked_about_the_index_of_the_one_that_is_furthest()
    {
        using var cluster = new FakeMembers();
        cluster.Members[2].Applied = 140;
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(cluster.Members.Select(member => member.HashesAsked), Is.All.EqualTo(new[] { 140L }), "where they are equal it is one question each");
        Assert.That(cluster.Members.Select(member => member.TablesAsked), Is.All.Empty);
    }

    [Test]
    public async Task The_one_that_differs_is_named_with_what_to_do_and_is_exit_1()
    {
        using var cluster = new FakeMembers();
        cluster.Members[2].Hash = "0000000000000bad";
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("n3\tfollower\t100\t0000000000000bad\tDIFFERS"));
        Assert.That(run.Output, Does.Contain("n1\tleader\t100\t000000000000abcd\tas the majority"));
        Assert.That(run.Output, Does.Contain("n3 is in another state than the majority at index 100"));
        Assert.That(run.Output, Does.Contain("members remove n3").And.Contain("members promote n3"));
        Assert.That(
            run.Output, Does.Contain("start consensusd --name n3 on an empty directory, with the addresses that it had and --join p1:1,"));
    }

    [Test]
    public async Task A_leader_that_differs_is_to_hand_over_first()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Hash = "0000000000000bad";
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("n1 leads: first \"consensusctl leader transfer\""));
    }

    [Test]
    public async Task Without_a_majority_nobody_is_called_right()
    {
        using var cluster = new FakeMembers();
        cluster.Members[0].Hash = "0000000000000bad";
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency", "--timeout", "0s");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("no state has a majority").And.Contain("n3 was not compared"));
        Assert.That(run.Output, Does.Contain("consensusctl --endpoints MEMBER snapshot save --stale FILE"), "each by itself");
        Assert.That(run.Output, Does.Contain("n1\tleader\t100\t0000000000000bad\tDIFFERS").And.Contain("n2\tfollower\t100\t000000000000abcd\tDIFFERS"));
    }

    [Test]
    public async Task A_member_that_cannot_be_compared_is_exit_3()
    {
        using var cluster = new FakeMembers();
        cluster.Stop(2);
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.EqualTo(3));
        Assert.That(run.Output, Does.Contain("n3\tunreachable\t-\t-\tnot compared"));
        Assert.That(run.Output, Does.Contain("The 2 that were compared are in the same state at index 100."));
    }

    [Test]
    public async Task A_member_that_has_forgotten_the_index_is_asked_about_a_later_one()
    {
        using var cluster = new FakeMembers();
        cluster.Members[1].OnHash = index =>
        {
            cluster.Members[1].Applied = 500;
            return index < 500 ? FakeAnswer.Problem(410, "compacted", "the hash at index 100 is not known here any more") : null;
        };
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.Zero, run.Output);
        Assert.That(run.Output, Does.Contain("All 3 members are in the same state at index 500."));
    }

    [Test]
    public async Task Nobody_there_is_exit_3_and_json_is_one_document()
    {
        using var cluster = new FakeMembers();
        var run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency", "-o", "json");
        using (var document = JsonDocument.Parse(run.Output))
        {
            Assert.That(document.RootElement.GetProperty("equal").GetBoolean());
            Assert.That(document.RootElement.GetProperty("members")[2].GetProperty("stateHash").GetString(), Is.EqualTo("000000000000abcd"));
        }
        cluster.Stop(0);
        run = await Ctl.RunAsync(cluster.Endpoint(0), "check", "consistency", "-o", "json");
        Assert.That(run.ExitCode, Is.EqualTo(3));
        using var away = JsonDocument.Parse(run.Output);
        Assert.That(away.RootElement.GetProperty("equal").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }
}
