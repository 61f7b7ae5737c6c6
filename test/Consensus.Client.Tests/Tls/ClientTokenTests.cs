using System.Runtime.Versioning;
using Consensus.Client.Transport;
using Consensus.Security.Tokens;

namespace Consensus.Client.Tests.Tls;

/// <summary>With what token a client asks, and whom it shows it.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class ClientTokenTests
{
    private string _directory = null!;

    private string FilePath => Path.Combine(_directory, "token");

    [SetUp]
    public void Make() => _directory = Directory.CreateTempSubdirectory("client-token").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    private ClientToken Put(out BearerToken token)
    {
        token = BearerToken.Create();
        TokenFile.WriteNew(FilePath, token);
        return new ClientToken(FilePath);
    }

    private static string Header(BearerToken token) => "Bearer " + token.Text;

    private static HttpTransport Open(Way way, Uri endpoint, ClientToken token) => new(new ConsensusClientOptions
    {
        Endpoints = [endpoint],
        Token = token,
        SendsOnCallingThread = way == Way.CallingThread,
    });

    [Test]
    public async Task Each_request_shows_the_token_and_the_one_that_took_its_place_where_that_is_refused([Values] Way way)
    {
        using var server = new TokenServer();
        var source = Put(out var first);
        server.Takes = Header(first);
        using var transport = Open(way, server.Endpoint, source);
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.EqualTo(AttemptKind.Done));
        var second = BearerToken.Create();
        TokenFile.Replace(FilePath, second);
        server.Takes = Header(second);
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.EqualTo(AttemptKind.Done));
        Assert.That(server.Shown, Is.EqualTo(new[] { Header(first), Header(first), Header(second) }), "once more, with what is new");
        server.Takes = "another";
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.EqualTo(AttemptKind.Denied));
        Assert.That(server.Shown, Has.Count.EqualTo(4), "the same is not shown again");
    }

    /// <summary>As a pod finds it: a link to what the kubelet wrote, for everybody to read, which is replaced before it ends.</summary>
    [Test]
    public async Task A_projected_token_is_shown_and_the_one_that_took_its_place([Values] Way way)
    {
        const UnixFileMode Mounted = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        void Mount(string name, string text)
        {
            var target = Path.Combine(_directory, name);
            File.WriteAllText(target, text);
            File.SetUnixFileMode(target, Mounted);
            File.CreateSymbolicLink(FilePath + ".new", target);
            File.Move(FilePath + ".new", FilePath, overwrite: true);
        }
        using var server = new TokenServer();
        Mount("1", "eyJ.eyJ.c2_-\n");
        var source = new ClientToken(FilePath);
        server.Takes = "Bearer eyJ.eyJ.c2_-";
        using var transport = Open(way, server.Endpoint, source);
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.EqualTo(AttemptKind.Done));
        Mount("2", "eyJ.eyJ.bmV4dA");
        server.Takes = "Bearer eyJ.eyJ.bmV4dA";
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.EqualTo(AttemptKind.Done));
        Assert.That($"{source.Current(TimeProvider.System, null)}", Is.EqualTo("a JSON Web Token"), "no text of it has the token");
        Assert.That(source.Keep(), Is.Null, "it is none that a member could put another in the place of");
    }

    [TestCase("a.b")]
    [TestCase("a.b.c.d.e")]
    [TestCase("a.b.c d")]
    [TestCase("a..c")]
    [TestCase("a.b.c\nX-Other: 1")]
    [TestCase("a.b.c=")]
    public void What_is_no_web_token_by_its_form_is_refused(string text)
    {
        File.WriteAllText(FilePath, text);
        Assert.That(() => new ClientToken(FilePath), Throws.ArgumentException.With.Message.Contains("nor a JSON Web Token"));
        File.WriteAllText(FilePath, new string('a', 8192) + ".b.c");
        Assert.That(() => new ClientToken(FilePath), Throws.ArgumentException.With.Message.Contains("at most 8192 characters"));
    }

    [Test]
    public void A_token_of_the_cluster_is_for_everybody_to_read_in_no_file()
    {
        Put(out _);
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.That(() => new ClientToken(FilePath), Throws.ArgumentException.With.Message.Contains("can be read by everybody"));
    }

    [Test]
    public async Task Who_replaces_the_file_goes_on_with_the_token_that_was_there([Values] Way way)
    {
        using var server = new TokenServer();
        var source = Put(out var first);
        server.Takes = Header(first);
        using var transport = Open(way, server.Endpoint, source);
        Assert.That(source.Keep()?.Text, Is.EqualTo(first.Text));
        TokenFile.Replace(FilePath, BearerToken.Create());
        server.Takes = "another";
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.EqualTo(AttemptKind.Denied));
        Assert.That(server.Shown, Is.EqualTo(new[] { Header(first) }));
    }

    [Test]
    public async Task Row_26_No_redirect_is_followed_and_nobody_else_is_shown_the_token([Values] Way way)
    {
        using var elsewhere = new TokenServer();
        using var server = new TokenServer { RedirectsTo = elsewhere.Endpoint };
        var source = Put(out _);
        using var transport = Open(way, server.Endpoint, source);
        Assert.That((await transport.AskAsync(way, server.Endpoint)).Kind, Is.Not.EqualTo(AttemptKind.Done));
        Assert.That(elsewhere.Shown, Is.Empty);
    }

    [Test]
    public void Row_26_An_endpoint_that_others_listen_to_is_refused()
    {
        var source = Put(out _);
        foreach (var clear in (string[])["http://10.0.0.1:7379", "http://db.example:7379"])
        {
            var options = new ConsensusClientOptions { Endpoints = [new Uri(clear)], Token = source };
            Assert.That(
                () => new ConsensusApiClient(options),
                Throws.ArgumentException.With.Message.Contains("a token goes over https, or to this machine, and nowhere in the clear"));
        }
        foreach (var taken in (string[])["https://10.0.0.1:7379", "http://127.0.0.1:7379", "http://[::1]:7379", "http://localhost:7379"])
        {
            using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [new Uri(taken)], Token = source });
        }
    }

    [Test]
    public void A_file_without_a_token_is_refused_and_no_text_of_it_has_the_secret()
    {
        var source = Put(out var token);
        Assert.That($"{source.Current(TimeProvider.System, null)}", Is.EqualTo($"cns1_{token.Id}…"));
        File.WriteAllText(FilePath, "none");
        Assert.That(() => new ClientToken(FilePath), Throws.ArgumentException.With.Message.Contains("holds no token"));
        Assert.That(source.IsReplaced(source.Current(TimeProvider.System, null), TimeProvider.System, null), Is.False);
        Assert.That(source.Current(TimeProvider.System, null).Text, Is.EqualTo(Header(token)), "what was read before stays");
    }
}
