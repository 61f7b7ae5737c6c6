using System.Net;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Security.Tests.Https.Support;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>What becomes of what is under way when a right, or a certificate, is taken away.</summary>
internal sealed class RevocationTests : AccessTest
{
    private const string Wait = """{"owner":"o","ttl":"60s","wait":"600s"}""";

    private Task RevokeAsync(string who) => DoAsync(new PutRevocationCommand(Key.Own(Convert.FromHexString(FingerprintOf(who))), "stolen"));

    private async Task HoldAsync() => await DoneAsync(Admin, "POST", "/v1/locks/l", """{"owner":"holder","ttl":"3600s"}""");

    [Test]
    public async Task Row_13_Writes_through_a_member_that_is_behind_do_nothing_at_a_later_index()
    {
        await AllowAsync("billing", Prefix(Verbs.Write, Spaces.Keys, ""));
        Node.PolicyBehind = Node.Policy;
        await BindAsync("billing");
        for (var i = 0; i < 20; i++)
        {
            await ForbiddenAsync("billing", "PUT", $"/v1/kv/{i}?value=1");
        }
    }

    [Test]
    public async Task A_member_that_is_behind_refuses_nobody_who_was_given_the_right_since()
    {
        Node.PolicyBehind = Node.Policy;
        await AllowAsync("billing", Prefix(Verbs.Write | Verbs.Read, Spaces.Keys, ""));
        await DoneAsync("billing", "PUT", "/v1/kv/a?value=1");
        await DoneAsync("billing", "GET", "/v1/kv/a");
    }

    [Test]
    public async Task Row_43_A_flood_of_denied_writes_takes_no_place_in_the_log()
    {
        await AllowAsync("billing", Prefix(Verbs.Write, Spaces.Keys, "mine/"));
        var commands = Node.AppliedCommands;
        for (var i = 0; i < 50; i++)
        {
            await ForbiddenAsync("billing", "PUT", "/v1/kv/other?value=1", null, ("Idempotency-Key", $"{i}"));
        }
        Assert.That(Node.AppliedCommands, Is.EqualTo(commands));
    }

    [TestCase("/v1/kv/a", "1.1")]
    [TestCase("/v1/kv/a", "2.0")]
    [TestCase("/v1/kv/?prefix=", "1.1")]
    [TestCase("/v1/elections/a", "1.1")]
    [TestCase("/v1/locks/a", "1.1")]
    [TestCase("/v1/semaphores/a", "2.0")]
    public async Task Row_14_A_stream_ends_with_forbidden_when_the_right_goes_and_tells_nothing_more(string target, string version)
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys | Spaces.Elections | Spaces.Locks | Spaces.Semaphores, ""));
        using var stream = await EventStream.OpenAsync(Library(CertificateOf("billing"), Version.Parse(version)), target);
        await stream.NextAsync();
        await BindAsync("billing");
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=secret");
        await DoneAsync(Admin, "POST", "/v1/locks/a", """{"owner":"secret","ttl":"60s"}""");
        var message = await stream.NextAsync();
        Assert.That(
            (message?.Event, message?.Id, message?.Data),
            Is.EqualTo(("forbidden", (long?)null, "{\"title\":\"The request is not allowed\"}")));
        Assert.That(await stream.NextAsync(), Is.Null, "it is over");
        await ForbiddenAsync("billing", "GET", target, null, ("Accept", "text/event-stream"));
    }

    [Test]
    public async Task Row_14_A_watch_that_is_behind_is_told_nothing_of_before_either_once_its_right_is_gone()
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, ""));
        var from = Node.View.Revision.Next;
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        using var stream = await EventStream.OpenAsync(As("billing"), $"/v1/kv/a?fromRevision={from}");
        await stream.ExpectAsync("open");
        await stream.ExpectAsync("put");
        await BindAsync("billing");
        await stream.ExpectAsync("forbidden");
    }

    [Test]
    public async Task A_stream_goes_on_when_the_policy_changes_and_its_right_does_not()
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys | Spaces.Locks, ""));
        using var keys = await EventStream.OpenAsync(As("billing"), "/v1/kv/a");
        using var locks = await EventStream.OpenAsync(Library(CertificateOf("billing")), "/v1/locks/a");
        await keys.ExpectAsync("open");
        await locks.ExpectAsync("lock");
        await AllowAsync("others", Prefix(Verbs.Read, Spaces.Keys, ""));
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys | Spaces.Locks, "a"));
        await DoneAsync(Admin, "PUT", "/v1/kv/a?value=1");
        await DoneAsync(Admin, "POST", "/v1/locks/a", """{"owner":"o","ttl":"60s"}""");
        await keys.ExpectAsync("put");
        await locks.ExpectAsync("lock");
    }

    [Test]
    public async Task Row_14_The_stream_of_a_lease_ends_when_its_reader_is_an_operator_no_more_and_its_owners_goes_on()
    {
        await AllowAsync("billing", Prefix(Verbs.Hold, Spaces.Locks, ""));
        await BindAsync("ops", BuiltInRoles.Operator);
        var lease = (await DoneAsync("billing", "POST", "/v1/leases", """{"ttl":"60s"}""")).Json.GetProperty("id").GetString();
        using var theirs = await EventStream.OpenAsync(As("ops"), $"/v1/leases/{lease}");
        using var own = await EventStream.OpenAsync(Library(CertificateOf("billing")), $"/v1/leases/{lease}");
        await theirs.ExpectAsync("lease");
        await own.ExpectAsync("lease");
        await AllowAsync("ops", Prefix(Verbs.Hold, Spaces.Locks, ""));
        await theirs.ExpectAsync("forbidden");
        await DoneAsync("billing", "DELETE", $"/v1/leases/{lease}");
        Assert.That((await own.NextAsync())?.Event, Is.EqualTo("lease").Or.EqualTo("ended"));
    }

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task Row_14_A_revoked_certificate_is_401_at_the_next_request_of_a_connection_that_stands(string version)
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, ""));
        var client = Library(CertificateOf("billing"), Version.Parse(version));
        using var before = await client.GetAsync(new Uri("/v1/kv/a", UriKind.Relative));
        Assert.That(before.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        await RevokeAsync("billing");
        using var after = await client.GetAsync(new Uri("/v1/kv/a", UriKind.Relative));
        Assert.That((after.StatusCode, after.Headers.Contains("Consensus-Leader")), Is.EqualTo((HttpStatusCode.Unauthorized, false)));
        Assert.That(
            await after.Content.ReadAsStringAsync(),
            Does.Contain("the client certificate is revoked").And.Contain(ProblemTypes.Unauthenticated.Uri));
    }

    [Test]
    public async Task Row_30_A_revoked_certificate_shakes_no_hand_until_it_is_believed_again()
    {
        await BindAsync("billing", BuiltInRoles.Reader);
        await RevokeAsync("billing");
        AssertHandshakeFails(CertificateOf("billing"), "it is revoked");
        using (var other = TlsHttp.Open(Port, Client("billing")))
        {
            Assert.That(other.Ask("GET", "/v1/kv/a").Status, Is.EqualTo(404), "another certificate of the same principal is believed");
        }
        await DoAsync(new DeleteRevocationCommand(Key.Own(Convert.FromHexString(FingerprintOf("billing")))));
        Assert.That((await AskAsync("billing", "GET", "/v1/kv/a")).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Row_32_The_session_of_a_revoked_certificate_is_not_resumed()
    {
        await BindAsync("billing", BuiltInRoles.Reader);
        var options = TlsHttp.OptionsFor(CertificateOf("billing"));
        var full = Ask(options);
        var resumed = Ask(options);
        Assert.That((full.Status, resumed.Status), Is.EqualTo((200, 200)));
        Assert.That(resumed.Bytes, Is.LessThan(full.Bytes / 2), "the server did not send its certificate again");
        await RevokeAsync("billing");
        Assert.That(Ask(options).Status, Is.Zero, "the handshake fails");
    }

    [Test]
    public async Task Row_14_A_stream_of_a_revoked_certificate_ends()
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys, ""));
        using var stream = await EventStream.OpenAsync(As("billing"), "/v1/kv/a");
        await stream.ExpectAsync("open");
        await RevokeAsync("billing");
        await stream.ExpectAsync("forbidden");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Row_14_A_snapshot_that_is_being_sent_breaks_off_when_the_certificate_is_revoked_or_the_right_goes(bool isRevoked)
    {
        await BindAsync("nightly", BuiltInRoles.Backup);
        for (var i = 0; i < 300; i++)
        {
            await DoAsync(new PutCommand(Key.FromText($"{i}"), new byte[100_000], Primitives.LeaseId.None, KeyCondition.None));
        }
        using var response = await As("nightly").GetAsync(
            new Uri("/v1/snapshot", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await (isRevoked ? RevokeAsync("nightly") : BindAsync("nightly", BuiltInRoles.Monitor));
        Assert.That(
            async () => await response.Content.CopyToAsync(Stream.Null),
            Throws.InstanceOf<HttpRequestException>().Or.InstanceOf<IOException>(),
            "most of it was not sent yet");
    }

    [Test]
    public async Task Row_14_The_next_page_of_a_list_is_judged_anew_be_its_view_as_old_as_it_likes()
    {
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Keys | Spaces.Locks, ""));
        foreach (var name in (string[])["a", "b"])
        {
            await DoneAsync(Admin, "PUT", $"/v1/kv/{name}?value=1");
            await DoneAsync(Admin, "POST", $"/v1/locks/{name}", """{"owner":"o","ttl":"60s"}""");
        }
        var cursors = new List<string>();
        foreach (var list in (string[])["/v1/kv/", "/v1/locks/"])
        {
            var page = await DoneAsync("billing", "GET", $"{list}?limit=1");
            cursors.Add($"{list}?limit=1&cursor={page.Json.GetProperty("nextCursor").GetString()}");
            await DoneAsync("billing", "GET", cursors[^1]);
        }
        await BindAsync("billing");
        foreach (var target in cursors)
        {
            await ForbiddenAsync("billing", "GET", target);
        }
    }

    [Test]
    public async Task Row_15_Who_waits_and_loses_the_right_is_told_so_and_whoever_is_behind_is_granted()
    {
        await HoldAsync();
        await AllowAsync("billing", Prefix(Verbs.Hold, Spaces.Locks, ""));
        await AllowAsync("orders", Prefix(Verbs.Hold, Spaces.Locks, ""));
        var first = AskAsync("billing", "POST", "/v1/locks/l", Wait);
        await Patience.UntilAsync(() => Node.WaitingRequests == 1, "the first waits");
        var second = AskAsync("orders", "POST", "/v1/locks/l", Wait);
        await Patience.UntilAsync(() => Node.WaitingRequests == 2, "the second waits");
        await BindAsync("billing");
        await DoneAsync(Admin, "DELETE", "/v1/locks/l?force=true");
        Assert.That((await second).Status, Is.EqualTo(200));
        Node.Advance(TimeSpan.FromSeconds(1));
        var told = await first;
        Assert.That((told.Status, told.Type), Is.EqualTo((403, ProblemTypes.Forbidden.Uri)), told.Body);
    }

    [Test]
    public async Task A_place_in_slices_falls_with_the_right_and_hangs_on_the_credential_that_asks_for_it_now()
    {
        await HoldAsync();
        await AllowAsync("billing", Prefix(Verbs.Hold, Spaces.Locks, ""));
        var asked = ("Idempotency-Key", "k");
        Assert.That((await AskAsync("billing", "POST", "/v1/locks/l?poll=1ms", Wait, asked)).Status, Is.EqualTo(202));

        // The same principal with its next certificate: its place does not fall with the one before.
        using var renewed = new HttpRequestMessage(HttpMethod.Post, "/v1/locks/l?poll=1ms") { Content = new StringContent(Wait) };
        renewed.Headers.TryAddWithoutValidation("Idempotency-Key", "k");
        using var place = await Library(Client("billing")).SendAsync(renewed);
        Assert.That((int)place.StatusCode, Is.EqualTo(202), await place.Content.ReadAsStringAsync());
        await RevokeAsync("billing");
        Node.Advance(TimeSpan.FromSeconds(1));
        Assert.That(Node.View.GetObject(Key.FromText("l")).WaiterCount, Is.EqualTo(1));

        await BindAsync("billing");
        Node.Advance(TimeSpan.FromSeconds(1));
        Assert.That(Node.View.GetObject(Key.FromText("l")).WaiterCount, Is.EqualTo(0));
    }

    [Test]
    public async Task A_hold_lives_to_its_deadline_and_is_not_renewed_by_who_may_not_hold_any_more()
    {
        await AllowAsync("billing", Prefix(Verbs.Hold | Verbs.Read, Spaces.Locks, ""));
        var held = await DoneAsync("billing", "POST", "/v1/locks/l", """{"owner":"o","ttl":"60s"}""");
        var token = held.Json.GetProperty("fencingToken").GetInt64();
        await AllowAsync("billing", Prefix(Verbs.Read, Spaces.Locks, ""));
        await ForbiddenAsync("billing", "PUT", "/v1/locks/l", $$"""{"fencingToken":{{token}}}""");
        Assert.That(Node.View.GetObject(Key.FromText("l")).Holder?.Token, Is.EqualTo(new FencingToken(token)));
    }
}
