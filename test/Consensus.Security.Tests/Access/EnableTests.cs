using Consensus.Security.Tests.Https.Support;
using Consensus.Server;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>How a cluster comes to judge rights: from its beginning, or because somebody asked for it.</summary>
internal sealed class EnableTests : HttpsTest
{
    private bool _awaitsForming;

    protected override ServerInfo With(ServerInfo info) => info with { AwaitsForming = _awaitsForming };

    private TlsAnswer Ask(string who, string method, string target, string body = "") => Ask(Client(who), method, target, body);

    private TlsAnswer Ask(MadeCertificate certificate, string method, string target, string body = "")
    {
        using var connection = TlsHttp.Open(Port, certificate);
        connection.Send(TlsHttp.Request(method, target, $"Content-Length: {body.Length}") + body);
        return connection.Receive();
    }

    private static AnnounceMemberCommand Announcement(string admin) =>
        new(new Primitives.MemberId(0x51), "n1", 9, "https://127.0.0.1:7379", "127.0.0.1:7380", "1", 1) { FirstAdmin = admin };

    [Test]
    public void Until_it_is_enabled_everybody_who_is_known_may_everything()
    {
        Assert.That(Ask("billing", "PUT", "/v1/kv/a?value=1").Status, Is.EqualTo(200));
        Assert.That(Ask("billing", "GET", "/v1/auth").Body, Does.Contain("\"enabled\":false"));
        Assert.That(
            Ask("billing", "POST", "/v1/auth/check", """{"principal":"p","verb":"read","space":"keys","name":"a"}""").Body,
            Does.Contain("\"allowed\":false").And.Contain("\"enabled\":false"));
    }

    [Test]
    public void Whoever_enables_it_stays_an_administrator()
    {
        Assert.That(Ask("billing", "POST", "/v1/auth/enable").Status, Is.EqualTo(200));
        Assert.That(Ask("billing", "GET", "/v1/auth/roles").Status, Is.EqualTo(200));
        Assert.That(Ask("orders", "GET", "/v1/kv/a").Status, Is.EqualTo(403));
        var again = Ask("billing", "POST", "/v1/auth/enable");
        Assert.That((again.Status, again.Body.Contains("\"changed\":false", StringComparison.Ordinal)), Is.EqualTo((200, true)));
    }

    [Test]
    public void It_is_not_enabled_for_an_administrator_who_would_be_none()
    {
        Assert.That(Ask("billing", "PUT", "/v1/auth/principals/boss", """{"roles":["reader"]}""").Status, Is.EqualTo(200));
        var refused = Ask("billing", "POST", "/v1/auth/enable", """{"admin":"boss"}""");
        Assert.That(refused.Status, Is.EqualTo(412));
        Assert.That(refused.Body, Does.Contain("give it that role first"));
        Assert.That(Node.Policy.IsEnabled, Is.False);
    }

    [Test]
    public void The_first_announcement_of_a_cluster_begins_it_and_later_ones_are_not_looked_at()
    {
        Node.Propose(Announcement(""));
        Node.Propose(Announcement(BuiltInRoles.Admin));
        Assert.That(Node.Policy.IsEnabled, Is.False, "the cluster was formed without");
    }

    [Test]
    public async Task A_new_cluster_judges_from_its_first_announcement_on_and_serves_nobody_before()
    {
        await StopServerAsync();
        _awaitsForming = true;
        await StartServerAsync();
        (string Method, string Target)[] asked =
            [("GET", "/v1/kv/a"), ("PUT", "/v1/kv/a?value=1"), ("GET", "/v1/cluster"), ("POST", "/v1/auth/enable")];
        foreach (var (method, target) in asked)
        {
            var early = Ask("admin", method, target);
            Assert.That(early.Status, Is.EqualTo(503), target);
            Assert.That(early.Body, Does.Contain("is being formed"));
        }
        Assert.That((Ask("admin", "GET", "/livez").Status, Node.View.Revision.Value), Is.EqualTo((200, 1)));
        Node.Propose(Announcement(BuiltInRoles.Admin));
        Assert.That(Ask("admin", "PUT", "/v1/kv/a?value=1").Status, Is.EqualTo(200));
        Assert.That(Ask("billing", "GET", "/v1/kv/a").Status, Is.EqualTo(403));
    }

    [Test]
    public async Task A_cluster_that_was_formed_without_is_served_by_members_with_TLS_until_somebody_enables_it()
    {
        await StopServerAsync();
        _awaitsForming = true;
        await StartServerAsync();
        Node.Propose(Announcement(""));
        Assert.That(Ask("billing", "PUT", "/v1/kv/a?value=1").Status, Is.EqualTo(200));
        Assert.That(Ask("billing", "POST", "/v1/auth/enable").Status, Is.EqualTo(200));
        Assert.That(Ask("orders", "GET", "/v1/kv/a").Status, Is.EqualTo(403));
    }

    [TearDown]
    public void Reset() => _awaitsForming = false;
}
