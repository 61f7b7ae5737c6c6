using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Cluster;

/// <summary>The in-process node shows n1 (leader), n2 (voter) and n3 (learner), and notes the changes that it is asked for.</summary>
internal sealed class MemberTests : ContractTest
{
    private static readonly JoiningMember Waiting = new(new MemberId(0x54), "n4", "127.0.0.1:7680");

    [Test]
    public async Task Who_waits_to_be_added_is_shown()
    {
        Node.Waiting.Add(Waiting);
        var cluster = await AnswerAsync(ApiJson.Default.ClusterAnswer, HttpStatusCode.OK, "GET", "/v1/cluster/members");
        Assert.That(cluster.Joining.Select(j => (j.Name, j.Id, j.PeerUrl)), Is.EqualTo(new[] { ("n4", "0000000000000054", "127.0.0.1:7680") }));
    }

    [TestCase("""{"name":"n4"}""", false)]
    [TestCase("""{"name":"n4","role":"learner"}""", false)]
    [TestCase("""{"name":"n4","role":"voter"}""", true)]
    public async Task A_waiting_process_is_added_by_its_name(string body, bool asVoter)
    {
        Node.Waiting.Add(Waiting);
        using var response = await SendAsync("POST", "/v1/cluster/members", body);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(response.Headers.Location?.ToString(), Is.EqualTo("/v1/cluster/members/0000000000000054"));
        var member = System.Text.Json.JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), ApiJson.Default.MemberAnswer)!;
        Assert.That((member.Name, member.Role, member.PeerUrl), Is.EqualTo(("n4", asVoter ? "follower" : "learner", "127.0.0.1:7680")));
        Assert.That(Node.Changes, Is.EqualTo(new MembershipChange[] { new AddMember(new Member(Waiting.Member, "n4", "127.0.0.1:7680"), asVoter) }));
    }

    [Test]
    public async Task Adding_who_is_a_member_already_changes_nothing()
    {
        var member = await AnswerAsync(ApiJson.Default.MemberAnswer, HttpStatusCode.OK, "POST", "/v1/cluster/members", """{"name":"n3"}""");
        Assert.That((member.Name, member.Role), Is.EqualTo(("n3", "learner")));
        Assert.That((await RefusedAsync(ProblemTypes.PreconditionFailed, "POST", "/v1/cluster/members", """{"name":"n3","role":"voter"}""")).Detail, Does.Contain("promote"));
        Assert.That(Node.Changes, Is.Empty);
    }

    [TestCase("learner")]
    [TestCase("voter")]
    public async Task Adding_the_name_of_a_member_that_is_silent_adds_nothing_and_names_the_command_that_removes_it(string role)
    {
        var problem = await RefusedAsync(ProblemTypes.PreconditionFailed, "POST", "/v1/cluster/members", $$"""{"name":"n2","role":"{{role}}"}""");
        Assert.That(problem.Detail, Does.StartWith("n2 is a member already, and does not answer: nothing was added").And.Contain("consensusctl members remove n2"));
        Assert.That(Node.Changes, Is.Empty);
    }

    [Test]
    public async Task Adding_a_name_that_nobody_waits_under_says_what_to_start()
    {
        var problem = await RefusedAsync(ProblemTypes.NotFound, "POST", "/v1/cluster/members", """{"name":"n9"}""");
        Assert.That(problem.Detail, Does.Contain("nobody waits").And.EndsWith(
            "consensusd --name n9 --data-dir DIR --cluster-token TEXT "
            + "--listen-peer IP:PORT --listen-client IP:PORT --join 127.0.0.1:7380"));
        Node.Waiting.Add(Waiting);
        Assert.That((await RefusedAsync(ProblemTypes.NotFound, "POST", "/v1/cluster/members", """{"name":"n9"}""")).Detail, Does.Contain("n4"));
        Assert.That(Node.Changes, Is.Empty);
    }

    [TestCase("", "body")]
    [TestCase("[]", "body")]
    [TestCase("{}", "\"name\"")]
    [TestCase("""{"name":""}""", "\"name\"")]
    [TestCase("""{"name":4}""", "\"name\"")]
    [TestCase("""{"name":"n4; reboot"}""", "\"name\"")]
    [TestCase("""{"name":"n4","name":"n4"}""", "\"name\"")]
    [TestCase("""{"name":"n4","role":"leader"}""", "\"role\"")]
    [TestCase("""{"name":"n4","role":true}""", "\"role\"")]
    [TestCase("""{"name":"n4","peerUrl":"127.0.0.1:1"}""", "\"peerUrl\"")]
    public async Task A_malformed_addition_is_refused_and_the_field_is_named(string body, string named)
    {
        Node.Waiting.Add(Waiting);
        Assert.That((await RefusedAsync(ProblemTypes.BadRequest, "POST", "/v1/cluster/members", body)).Detail, Does.Contain(named));
        Assert.That(Node.Changes, Is.Empty);
    }

    [Test]
    public async Task Who_is_meant_by_a_name_is_not_guessed_from_what_this_member_last_heard()
    {
        Node.Waiting.Add(Waiting);
        Node.ReadFault = new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NoLeader);
        await RefusedAsync(ProblemTypes.NoLeader, "DELETE", "/v1/cluster/members/n2");
        await RefusedAsync(ProblemTypes.NoLeader, "PATCH", "/v1/cluster/members/n3", """{"role":"voter"}""");
        await RefusedAsync(ProblemTypes.NoLeader, "POST", "/v1/cluster/members", """{"name":"n9"}""");
        await RefusedAsync(ProblemTypes.NoLeader, "POST", "/v1/cluster/leader", """{"to":"n9"}""");
        Assert.That((Node.Changes.Count, Node.Transfers.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Adding_a_voter_that_waits_again_does_not_show_it_as_a_learner()
    {
        Node.Waiting.Add(new JoiningMember(new MemberId(0x52), "n2", "127.0.0.1:7480"));
        Node.ChangeAnswer = new MembershipAnswer(AnswerKind.Done, ChangeVerdict.AlreadySo, "", NotDoneReason.None);
        var member = await AnswerAsync(ApiJson.Default.MemberAnswer, HttpStatusCode.OK, "POST", "/v1/cluster/members", """{"name":"n2"}""");
        Assert.That(member.Role, Is.EqualTo("follower"));
    }

    [Test]
    public async Task Who_asked_while_its_name_was_taken_is_added_only_when_it_has_asked_again()
    {
        Node.Waiting.Add(new JoiningMember(new MemberId(0x99), "n2", "127.0.0.1:7480") { WaitsForName = true });
        Node.Waiting.Add(new JoiningMember(new MemberId(0x98), "n9", "127.0.0.1:7481") { WaitsForName = true });

        await RefusedAsync(ProblemTypes.PreconditionFailed, "POST", "/v1/cluster/members", """{"name":"n2"}""");
        await RefusedAsync(ProblemTypes.NotReady, "POST", "/v1/cluster/members", """{"name":"n9"}""");
        Assert.That(Node.Changes, Is.Empty, "it may have ended since");

        Node.Waiting[^1] = Node.Waiting[^1] with { WaitsForName = false };
        Node.ChangeAnswer = new MembershipAnswer(AnswerKind.Done, ChangeVerdict.Appended, "", NotDoneReason.None);
        await AnswerAsync(ApiJson.Default.MemberAnswer, HttpStatusCode.Created, "POST", "/v1/cluster/members", """{"name":"n9"}""");
    }

    [TestCase("n3")]
    [TestCase("0000000000000053")]
    public async Task A_learner_is_promoted_by_name_or_id(string member)
    {
        var promoted = await AnswerAsync(
            ApiJson.Default.MemberAnswer, HttpStatusCode.OK, "PATCH", "/v1/cluster/members/" + member, """{"role":"voter"}""");
        Assert.That((promoted.Name, promoted.Role), Is.EqualTo(("n3", "follower")));
        await AnswerAsync(ApiJson.Default.MemberAnswer, HttpStatusCode.OK, "PATCH", "/v1/cluster/members/" + member, """{"role":"voter","replaces":"n2"}""");
        Assert.That(
            Node.Changes,
            Is.EqualTo(new MembershipChange[] { new PromoteMember(new MemberId(0x53)), new PromoteMember(new MemberId(0x53), new MemberId(0x52)) }));
    }

    [Test]
    public async Task A_promotion_that_cannot_be_meant_is_refused()
    {
        await RefusedAsync(ProblemTypes.NotFound, "PATCH", "/v1/cluster/members/n9", """{"role":"voter"}""");
        await RefusedAsync(ProblemTypes.NotFound, "PATCH", "/v1/cluster/members/n3", """{"role":"voter","replaces":"n9"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "PATCH", "/v1/cluster/members/n3", "{}");
        await RefusedAsync(ProblemTypes.BadRequest, "PATCH", "/v1/cluster/members/n3", """{"role":"voter","replaces":""}""");
        await RefusedAsync(ProblemTypes.BadRequest, "PATCH", "/v1/cluster/members/n3", """{"role":"leader"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "PATCH", "/v1/cluster/members/n3", """{"role":"learner","replaces":"n2"}""");
        await RefusedAsync(ProblemTypes.BadRequest, "PATCH", "/v1/cluster/members/n2", """{"role":"learner"}""");
        await AnswerAsync(ApiJson.Default.MemberAnswer, HttpStatusCode.OK, "PATCH", "/v1/cluster/members/n3", """{"role":"learner"}""");
        Assert.That(Node.Changes, Is.Empty);
    }

    [Test]
    public async Task A_member_is_removed_by_name_or_id_and_by_its_id_again()
    {
        var removed = await AnswerAsync(ApiJson.Default.MemberRemovedAnswer, HttpStatusCode.OK, "DELETE", "/v1/cluster/members/n2");
        Assert.That((removed.Id, removed.Name), Is.EqualTo(("0000000000000052", "n2")));
        var again = await AnswerAsync(ApiJson.Default.MemberRemovedAnswer, HttpStatusCode.OK, "DELETE", "/v1/cluster/members/0000000000000099");
        Assert.That(again.Name, Is.Null);
        Assert.That(Node.Changes, Is.EqualTo(new MembershipChange[] { new RemoveMember(new MemberId(0x52)), new RemoveMember(new MemberId(0x99)) }));
        await RefusedAsync(ProblemTypes.NotFound, "DELETE", "/v1/cluster/members/n9");
    }

    [TestCase(ChangeVerdict.WouldLoseQuorum, "precondition-failed")]
    [TestCase(ChangeVerdict.ChangeInProgress, "precondition-failed")]
    [TestCase(ChangeVerdict.NotCaughtUp, "precondition-failed")]
    [TestCase(ChangeVerdict.Taken, "precondition-failed")]
    [TestCase(ChangeVerdict.TooManyMembers, "precondition-failed")]
    [TestCase(ChangeVerdict.NotAMember, "not-found")]
    public async Task A_refusal_says_why(ChangeVerdict verdict, string slug)
    {
        Node.ChangeAnswer = new MembershipAnswer(AnswerKind.NotDone, verdict, "because of this", NotDoneReason.None);
        var problem = await RefusedAsync(ProblemTypes.All.Single(type => type.Uri.EndsWith(slug, StringComparison.Ordinal)), "DELETE", "/v1/cluster/members/n2");
        Assert.That(problem.Detail, Does.Contain("because of this"));
    }

    [Test]
    public async Task Without_a_leader_nothing_is_done_and_a_change_that_is_not_over_is_unknown()
    {
        Node.ChangeAnswer = new MembershipAnswer(AnswerKind.NotDone, default, "", NotDoneReason.NoLeader);
        await RefusedAsync(ProblemTypes.NoLeader, "DELETE", "/v1/cluster/members/n2");
        Node.ChangeAnswer = new MembershipAnswer(AnswerKind.Unknown, default, "", NotDoneReason.None);
        await RefusedAsync(ProblemTypes.OutcomeUnknown, "PATCH", "/v1/cluster/members/n3", """{"role":"voter"}""");
    }
}
