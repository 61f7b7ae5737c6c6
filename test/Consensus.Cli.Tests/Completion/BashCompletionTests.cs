using System.Diagnostics;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;

namespace Consensus.Cli.Tests.Completion;

/// <summary>The script of <c>completion bash</c> in a real bash: what it offers at the cursor.</summary>
internal sealed class BashCompletionTests
{
    private static readonly Uri Nobody = new("http://127.0.0.1:1");

    private string _directory = "";
    private string _script = "";

    [OneTimeSetUp]
    public async Task WriteScript()
    {
        _directory = Directory.CreateTempSubdirectory("consensus-completion-").FullName;
        _script = Path.Combine(_directory, "completion.bash");
        var run = await Ctl.RunAsync(Nobody, "completion", "bash");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        await File.WriteAllTextAsync(_script, run.Output);
        await File.WriteAllTextAsync(Path.Combine(_directory, "txn.json"), "{}");
    }

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    [TestCase("kv|", "kv")]
    [TestCase("l|", "leader lease lock")]
    [TestCase("lock r|", "release run")]
    [TestCase("kv put key value --if-|", "--if-revision --if-absent")]
    [TestCase("kv list -o |", "table json msgpack")]
    [TestCase("-o j|", "json")]
    [TestCase("kv get --output = j|", "json")]
    [TestCase("-o json k|", "kv")]
    [TestCase("--endpoints http : //h : 1,b : 2 leas|", "lease")]
    [TestCase("--tls t|", "txn.json")]
    [TestCase("--tls txn.json leas|", "lease")]
    [TestCase("completion |", "bash zsh")]
    [TestCase("txn t|", "txn.json")]
    [TestCase("elect |", "show observe")]
    [TestCase("elect job --cand|", "--candidate")]
    [TestCase("lock acquire a --mode |", "exclusive shared")]
    [TestCase("semaphore r|", "release resize run")]
    [TestCase("watch a --p|", "--prev")]
    [TestCase("kv get a|", "")]
    [TestCase("lock run a --ttl |", "")]
    public async Task What_can_stand_at_the_cursor_is_offered(string line, string offered) =>
        Assert.That(await CompleteAsync(line), Is.EquivalentTo(Words(offered)));

    [Test]
    public async Task At_the_beginning_every_command_is_offered_and_what_is_hidden_is_not()
    {
        var offered = await CompleteAsync("|");
        var help = (await Ctl.RunAsync(Nobody, "--help")).Output;
        var documented = help[help.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n').Skip(1)
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0])
            .ToList();
        Assert.That(documented, Does.Contain("kv").And.Contain("completion"));
        Assert.That(offered, Is.EquivalentTo(documented));
    }

    [Test]
    public async Task A_command_after_two_dashes_is_completed_as_the_shell_does()
    {
        Assert.That(await CompleteAsync("lock run a -- bas|"), Does.Contain("bash"));
        Assert.That(await CompleteAsync("lock run a -- cat txn|"), Is.EqualTo(new[] { "txn.json" }));
        Assert.That(await CompleteAsync("lock run a -- cat --out|"), Is.Empty);
        Assert.That(await CompleteAsync("elect job --candidate me -- bas|"), Does.Contain("bash"));
    }

    [Test]
    public async Task Members_are_asked_of_the_cluster_that_the_line_names()
    {
        using var members = new FakeMembers();
        Assert.That(await OfferedNamesAsync("members remove |", members.Endpoint(0)), Is.EquivalentTo(new[] { "n1", "n2", "n3" }));
        Assert.That(await OfferedNamesAsync("leader transfer n|", members.Endpoint(1)), Is.EquivalentTo(new[] { "n1", "n2", "n3" }));

        var port = members.Endpoint(2).Port;
        Assert.That(await OfferedNamesAsync($"--endpoints 127.0.0.1 : {port} members promote n4 --replaces n3|"), Is.EqualTo(new[] { "n3" }));
    }

    [Test]
    public async Task Members_are_asked_over_https_where_the_line_has_a_bundle()
    {
        using var certificates = new TestCertificates();
        using var members = new FakeMembers();
        using var front = new TlsFront(members.Endpoint(0), certificates.Member("n1")) { DemandsCertificate = true };
        var file = certificates.Client("admin");

        Assert.That(await OfferedNamesAsync($"--endpoints 127.0.0.1 : {front.Endpoint.Port} --tls {file} members remove |"),
            Is.EquivalentTo(new[] { "n1", "n2", "n3" }));
        Assert.That(await OfferedNamesAsync($"--endpoints 127.0.0.1 : {front.Endpoint.Port} --tls = {file} members remove n2|"),
            Is.EqualTo(new[] { "n2" }));
    }

    [Test]
    public async Task A_name_that_is_none_is_not_given_to_the_shell()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """
            {"clusterId":"c","leader":"n1","term":4,"members":[],"joining":[{"id":"1","name":"$(touch evil)","peerUrl":"x"},{"id":"2","name":"n5","peerUrl":"x"}]}
            """));
        Assert.That(await OfferedNamesAsync("members add |", server.Endpoint), Is.EqualTo(new[] { "n5" }));
        Assert.That(File.Exists(Path.Combine(_directory, "evil")), Is.False);
    }

    [Test]
    public async Task A_cluster_that_is_away_or_silent_offers_nothing_and_says_nothing()
    {
        using var silent = new FakeServer(async _ =>
        {
            await Task.Delay(Timeout.Infinite);
            return FakeAnswer.Abort;
        });
        Assert.That(await CompleteAsync("members remove |", Nobody), Is.Empty);
        Assert.That(await CompleteAsync("members remove |", silent.Endpoint), Is.Empty);
    }

    /// <summary>The names that are offered; a busy machine may need another Tab, for the script waits two seconds at most.</summary>
    private async Task<string[]> OfferedNamesAsync(string line, Uri? endpoint = null)
    {
        string[] offered = [];
        await Eventually.True(async () => (offered = await CompleteAsync(line, endpoint)).Length > 0, "names are offered");
        return offered;
    }

    /// <summary>Runs bash with the words as Readline gives them, the cursor at the end of the last; nothing may be said on standard error.</summary>
    private async Task<string[]> CompleteAsync(string line, Uri? endpoint = null)
    {
        var typed = line[..^1];
        var words = typed.Split(' ').Prepend("consensusctl").ToArray();
        const string Harness = """
            source ./completion.bash
            consensusctl() { dotnet "$PROGRAM" "$@"; }
            COMP_WORDS=("$@")
            COMP_CWORD=$(( $# - 1 ))
            _consensusctl
            for offered in "${COMPREPLY[@]}"; do printf '%s\n' "$offered"; done
            """;
        var start = new ProcessStartInfo("bash")
        {
            WorkingDirectory = _directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CONSENSUS_ENDPOINTS"] = (endpoint ?? Nobody).ToString();
        start.Environment["PROGRAM"] = Path.Combine(AppContext.BaseDirectory, "consensusctl.dll");
        foreach (var argument in (string[])["--noprofile", "--norc", "-c", Harness, "harness", .. words])
        {
            start.ArgumentList.Add(argument);
        }
        using var bash = Process.Start(start)!;
        bash.StandardInput.Close();
        var output = bash.StandardOutput.ReadToEndAsync();
        var error = bash.StandardError.ReadToEndAsync();
        using var deadline = Patience.Begin();
        await bash.WaitForExitAsync(deadline.Token);
        Assert.That(await error, Is.Empty);
        return Words(await output);
    }

    private static string[] Words(string text) => text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
}
