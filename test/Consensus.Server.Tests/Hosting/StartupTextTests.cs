using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Hosting;
using Consensus.Server.Options;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Hosting;

/// <summary>What a start prints is what the member knows, not what its options look like.</summary>
internal sealed class StartupTextTests
{
    private static readonly NodeStatus Three = new InProcessNode().Status;

    [Test]
    public void A_member_of_three_that_was_started_without_a_list_names_the_others()
    {
        var text = StartupText.Listening(Options(""), Three);
        Assert.That(text, Does.StartWith($"consensusd {ConsensusServer.Version}: n1, one of 3 members of cluster 00000000000000c1\n"));
        Assert.That(text, Does.Contain("  others   n2 127.0.0.1:7480, n3 127.0.0.1:7580\n"));
        Assert.That(text, Does.Not.Contain("single"));
    }

    [Test]
    public void The_only_member_says_so()
    {
        var text = StartupText.Listening(Options(""), Three with { Members = [Three.Members[0]] });
        Assert.That(text, Does.Contain("n1, the only member of cluster").And.Not.Contain("others"));
    }

    [Test]
    public void A_process_that_is_no_member_yet_says_how_it_is_added()
    {
        var text = StartupText.Listening(Options("--name n4"), Three with { Members = [] });
        Assert.That(text, Does.Contain("n4, no member yet of cluster").And.Contain("Waits to be added: consensusctl members add n4"));
        Assert.That(text, Does.Not.Contain("curl"), "there is nothing to try yet");
    }

    [Test]
    public void Another_address_than_the_one_it_listens_on_is_told() =>
        Assert.That(
            StartupText.Listening(Options("--advertise-peer a.example:1"), Three), Does.Contain("  members  127.0.0.1:7380, told to the others as a.example:1\n"));

    [Test]
    public void A_member_that_finds_no_leader_says_whom_it_reaches_and_whom_not()
    {
        var text = StartupText.Waiting(Three with { Leader = MemberId.None });
        Assert.That(text, Does.StartWith("Not ready yet: no leader is known. Linked with n2. Not reached: n3 127.0.0.1:7580;"));
        Assert.That(text, Does.Contain("--peer-address NAME=HOST:PORT"));
    }

    [Test]
    public void A_member_that_reaches_all_and_is_reached_by_none_says_where_to_look()
    {
        var text = StartupText.Waiting(Three with { Leader = MemberId.None, Members = [Three.Members[0], Three.Members[1]] });
        Assert.That(text, Is.EqualTo("Not ready yet: no leader is known. Linked with n2. If that stays, they do not reach this member: where it tells them to dial it is said above, and --advertise-peer changes it.\n"));
    }

    private static ServerOptions Options(string arguments) =>
        ServerOptionsReader.Read(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), _ => null);
}
