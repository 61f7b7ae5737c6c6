using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;

namespace Consensus.Cli.Tests.Tls;

/// <summary>
/// <c>--tls</c> and <c>CONSENSUSCTL_TLS</c>: who is asked over https, who is not, and the sentence and exit code of each refusal.
/// </summary>
internal sealed class TlsOptionTests
{
    private static readonly Uri Nobody = new("https://127.0.0.1:1");

    private readonly TestCertificates _certificates = new();

    [OneTimeTearDown]
    public void End() => _certificates.Dispose();

    [Test]
    public async Task Status_asks_all_members_over_https()
    {
        using var members = new FakeMembers();
        var fronts = Enumerable.Range(0, 3).Select(index =>
            new TlsFront(members.Endpoint(index), _certificates.Member($"n{index + 1}")) { DemandsCertificate = true }).ToList();
        members.Told = index => fronts[index].Endpoint;

        var run = await Ctl.RunAsync(fronts[0].Endpoint, "status", "--tls", _certificates.Client("admin"));

        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), run.Output);
        Assert.That(run.Output, Does.Contain("All is well"));
        Assert.That(fronts.SelectMany(front => front.Clients), Is.All.EqualTo("consensus://c-test/client/admin"));
        Assert.That(fronts.Select(front => front.Clients.Count), Is.All.Positive);
        fronts.ForEach(front => front.Dispose());
    }

    [TestCase("--tls")]
    [TestCase("CONSENSUSCTL_TLS")]
    public async Task A_member_whose_address_is_told_in_the_clear_is_not_asked(string way)
    {
        using var members = new FakeMembers();
        using var front = new TlsFront(members.Endpoint(0), _certificates.Member("n1"));
        var file = _certificates.Client("admin");
        var variables = new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = front.Endpoint.ToString() };
        string[] line = ["status"];
        if (way == "--tls")
        {
            line = ["status", "--tls", file];
        }
        else
        {
            variables[way] = file;
        }

        var run = await Ctl.RunAsync(variables, "", false, line);

        Assert.That(run.Output, Does.Contain($"its client address {members.Endpoint(1)} is not https, and nothing is sent in the clear"));
        Assert.That(members.Asked(0), Is.Not.Empty);
        Assert.That(members.Asked(1).Concat(members.Asked(2)), Is.Empty);
    }

    [Test]
    public async Task A_leader_whose_address_is_told_in_the_clear_is_not_asked()
    {
        using var leader = new FakeServer(_ => new FakeAnswer(404));
        using var member = new FakeServer(request => request.Method == "POST"
            ? new FakeAnswer(200, """
                {"id":"2","name":"n2","role":"learner","self":false,"clientUrl":"","peerUrl":"x","matchIndex":null,"healthy":null,
                "health":"unknown","lastContactMs":null,"roundTripMs":null}
                """)
            : new FakeAnswer(200, $$"""
                {"clusterId":"c","leader":"n1","term":4,"joining":[],"members":[{"id":"1","name":"n1","role":"leader","self":false,
                "clientUrl":"{{leader.Endpoint}}","peerUrl":"x","matchIndex":1,"healthy":true,"health":"healthy","lastContactMs":null,
                "roundTripMs":null}]}
                """));
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n2"));

        await Ctl.RunAsync(front.Endpoint, "members", "add", "n2", "--tls", _certificates.Client("admin"));

        Assert.That(member.Requests.Select(request => request.Method), Is.EqualTo(new[] { "POST", "GET" }));
        Assert.That(leader.Requests, Is.Empty);
    }

    [Test]
    public async Task A_file_that_cannot_be_used_is_a_usage_error()
    {
        var missing = Path.Combine(_certificates.Directory, "missing.pem");

        var option = await Ctl.RunAsync(Nobody, "status", "--tls", missing);
        var variable = await Ctl.RunAsync(new Dictionary<string, string> { ["CONSENSUSCTL_TLS"] = missing }, "", false, "status");
        var empty = await Ctl.RunAsync(Nobody, "status", "--tls", "");

        Assert.That((option.ExitCode, option.Error), Is.EqualTo((2, $"consensusctl: --tls {missing}: there is no such file.\n")));
        Assert.That((variable.ExitCode, variable.Error),
            Is.EqualTo((2, $"consensusctl: CONSENSUSCTL_TLS={missing}: there is no such file.\n")));
        Assert.That((empty.ExitCode, empty.Error), Is.EqualTo((2, "consensusctl: --tls is empty. See: consensusctl status --help\n")));
    }

    [Test]
    public async Task With_a_bundle_an_endpoint_in_the_clear_is_a_usage_error_and_is_not_asked()
    {
        using var server = new FakeServer(_ => new FakeAnswer(404));

        var run = await Ctl.RunAsync(server.Endpoint, "kv", "get", "a", "--tls", _certificates.Client("admin"));

        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain($"is not https, and with --tls {_certificates.Directory}"));
        Assert.That(run.Error, Does.EndWith($"write https://{server.Endpoint.Authority}.\n"));
        Assert.That(server.Requests, Is.Empty);
    }

    [Test]
    public async Task Who_is_not_believed_is_told_at_once_with_the_reason()
    {
        using var others = new TestCertificates("c-other");
        using var member = new FakeServer(_ => new FakeAnswer(404));
        using var front = new TlsFront(member.Endpoint, others.Member("n1"));
        var file = _certificates.Client("admin");

        var read = await Ctl.RunAsync(front.Endpoint, "kv", "get", "a", "--tls", file, "--timeout", "1h").InTimeAsync();
        var write = await Ctl.RunAsync(front.Endpoint, "kv", "put", "a", "b", "--tls", file, "--timeout", "1h").InTimeAsync();
        var machine = await Ctl.RunAsync(front.Endpoint, "kv", "get", "a", "--timeout", "1h").InTimeAsync();

        var sentence = $"consensusctl: {front.Endpoint.Authority} is not believed by its certificate, and nothing was sent: "
            + $"it is of a CA that is not known here (--tls {file} says whom to believe).\n";
        Assert.That((read.ExitCode, read.Error), Is.EqualTo((3, sentence)));
        Assert.That((write.ExitCode, write.Error), Is.EqualTo((3, sentence)));
        Assert.That(machine.ExitCode, Is.EqualTo(3));
        Assert.That(machine.Error, Does.Contain("it is of a CA that this machine does not know, or not valid now"));
        Assert.That(machine.Error, Does.EndWith("(this machine's CA store says whom to believe).\n"));
        Assert.That(member.Requests, Is.Empty);
    }

    [Test]
    public async Task Who_is_not_known_is_told_what_the_member_says()
    {
        using var member = new FakeServer(_ => FakeAnswer.Problem(401, "unauthenticated", "Who asks is not known."));
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n1"));

        string[] line = ["kv", "get", "a", "--tls", _certificates.AuthorityFile, "--timeout", "1h"];
        var run = await Ctl.RunAsync(front.Endpoint, line).InTimeAsync();

        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, "consensusctl: Who asks is not known.\n")));
        Assert.That(member.Requests, Has.Count.EqualTo(1));
    }
}
