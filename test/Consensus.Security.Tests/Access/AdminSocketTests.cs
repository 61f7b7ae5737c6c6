using System.Net.Sockets;
using System.Runtime.Versioning;
using Consensus.Security.Tests.Https.Support;
using Consensus.Security.Tokens;
using Consensus.Server.Hosting;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>Row 50: the way in for whoever has the machine, and for nobody else.</summary>
[SupportedOSPlatform("linux")]
[Platform("Linux")]
internal sealed class AdminSocketTests : TokenTest
{
    private readonly TemporaryDirectory _data = new();

    protected override string? AdminSocketPath => Path.Combine(_data.Path, "admin.sock");

    [OneTimeTearDown]
    public void Remove() => _data.Dispose();

    private HttpClient AtTheSocket() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(AdminSocketPath!), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
        Timeout = Patience.Limit,
    };

    [Test]
    public async Task Who_asks_at_the_socket_is_an_administrator_whatever_is_bound_and_makes_the_first_token()
    {
        await BindAsync(Admin);
        using var client = AtTheSocket();
        var who = await AskAsync(client, "GET", "/v1/auth");
        Assert.That(
            (who.Json.GetProperty("principal").GetString(), who.Json.GetProperty("credential").GetString()), Is.EqualTo(("local", "l")));
        Assert.That(who.Json.GetProperty("roles")[0].GetProperty("name").GetString(), Is.EqualTo("admin"));
        Assert.That(who.Response.Headers.Contains("Consensus-Revision"), Is.True);
        Assert.That((await AskAsync(client, "PUT", "/v1/auth/principals/ops", """{"roles":["admin"]}""")).Status, Is.EqualTo(200));
        var made = (await AskAsync(client, "POST", "/v1/auth/tokens", """{"principal":"ops"}""")).Json.GetProperty("token").GetString();
        Assert.That(AskAlone("GET", "/v1/auth/tokens", "Authorization: Bearer " + made).Status, Is.EqualTo(200));
        Assert.That((await AskAsync(client, "PUT", "/v1/kv/a?value=1")).Status, Is.EqualTo(200));
        Assert.That((await AskAsync(client, "PUT", "/v1/auth/principals/local", """{"roles":[]}""")).Status, Is.EqualTo(400));
        Assert.That((await AskAsync(client, "PUT", "/v1/auth/principals/local", """{"roles":[],"disabled":true}""")).Status,
            Is.EqualTo(400));
        Assert.That((await AskAsync(client, "GET", "/v1/auth/roles")).Status, Is.EqualTo(200), "nothing takes it away");
    }

    [Test]
    public async Task It_has_no_Host_rule_takes_no_page_and_no_token()
    {
        var token = await TokenAsync("svc", Prefix(Verbs.Read, Spaces.Keys, ""));
        using var client = AtTheSocket();
        Assert.That((await AskAsync(client, "GET", "/v1/status", null, ("Host", "evil.example"))).Status, Is.EqualTo(200));
        Assert.That((await AskAsync(client, "GET", "/v1/status", null, ("Origin", "http://evil.example"))).Status, Is.EqualTo(403));
        foreach (var shown in (string[])[token.Text, BearerToken.Create().Text])
        {
            Assert.That((await AskAsync(client, "GET", "/v1/kv/a", null, ("Authorization", "Bearer " + shown))).Status, Is.EqualTo(401));
        }
    }

    [Test]
    public void Row_50_The_socket_is_its_owners_alone_and_over_TCP_nobody_is_local()
    {
        Assert.That(File.GetUnixFileMode(AdminSocketPath!), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        AssertUnknown(AskAlone("GET", "/v1/auth/tokens"), "a client certificate is needed here");
        Assert.That(TlsHttp.Ask(Port, Client("local"), "GET", "/v1/auth/tokens").Status, Is.EqualTo(403), "the name alone is nothing");
    }

    [TestCase(0u, true)]
    [TestCase(65_534u, false)]
    [TestCase(uint.MaxValue, false)]
    public void Row_50_Another_user_is_refused(uint user, bool isOwn) => Assert.That(AdminSocket.IsOwnUser(user), Is.EqualTo(isOwn));

    [Test]
    public void Row_50_What_a_killed_process_left_is_replaced_and_nothing_else_is()
    {
        var path = Path.Combine(_data.Path, "other.sock");
        var moved = path + ".was";
        using (var gone = AdminSocket.Bind(moved))
        {
            // What is closed here takes its name along: so this one has another by then.
            File.Move(moved, path);
        }
        Assert.That(File.Exists(path), Is.True);
        using (var live = AdminSocket.Bind(path))
        {
            live.Listen();
            Refused(path, "another process answers at the admin socket");
            Assert.That(File.Exists(path), Is.True);
        }
        File.WriteAllText(path, "mine");
        Refused(path, "is there and is no socket");
        Assert.That(File.ReadAllText(path), Is.EqualTo("mine"));
        var link = path + ".link";
        File.CreateSymbolicLink(link, path);
        Refused(link, "is there and is no socket");
        File.Delete(path);
        Refused(link, "is there and is no socket");
        Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo(path), "a link is followed nowhere, not even where nothing is");
        using var target = AdminSocket.Bind(path);
        target.Listen();
        Refused(link, "is there and is no socket");
    }

    private static void Refused(string path, string sentence) =>
        Assert.That(() => AdminSocket.Bind(path), Throws.TypeOf<IOException>().With.Message.Contains(sentence).And.Message.Contains(path));

    [Test]
    public void A_path_that_has_no_room_in_an_address_is_known_as_such()
    {
        var path = AdminSocket.PathIn("/" + new string('x', 95))!;
        Assert.That((path.Length, AdminSocket.Fits(path), AdminSocket.Fits(path + "x")), Is.EqualTo((107, true, false)));
    }
}
