using System.Text.Json.Nodes;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Whoever gives up leaves nothing behind that is held until its TTL is over.</summary>
internal sealed class GivenUpTests
{
    private const int SigHup = 1;

    private static readonly string[] Askers =
    [
        "lock acquire NAME --ttl 10m",
        "lock acquire NAME --ttl 10m --wait 1m",
        "semaphore acquire NAME --permits 1 --ttl 10m",
        "lock run NAME --ttl 10m -- true",
        "semaphore run NAME --permits 1 --ttl 10m -- true",
        "elect NAME --candidate x --ttl 10m -- true",
        "elect NAME --candidate x --ttl 10m",
    ];

    private static IEnumerable<TestCaseData> Signalled() =>
        from line in Askers
        from signal in line == Askers[0] || line == Askers[3] ? [CliProcess.SigTerm, CliProcess.SigInt, SigHup] : new[] { CliProcess.SigTerm }
        select new TestCaseData(line, signal);

    [TestCaseSource(nameof(Signalled))]
    public async Task A_grant_whose_answer_is_under_way_when_the_signal_comes_is_given_back(string line, int signal)
    {
        var name = $"g/granted/{Guid.NewGuid():N}";
        using var proxy = new DelayingProxy(OneMember.Endpoint) { HoldsAnswers = true };
        using var program = Start(proxy, line, name);
        await Eventually.True(() => !proxy.Grants.IsEmpty, "it is granted");
        program.Signal(signal);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(128 + signal), end.Error);
        Assert.That((end.Output, end.Error), Is.EqualTo(("", "")));
        await IsFree(line, name);
    }

    [TestCaseSource(nameof(Askers))]
    public async Task An_attempt_that_arrives_after_the_program_has_ended_takes_nothing(string line)
    {
        var name = $"g/late/{Guid.NewGuid():N}";
        using var proxy = new DelayingProxy(OneMember.Endpoint) { HoldsRequests = true };
        using var program = Start(proxy, line, name);
        await Eventually.True(() => !proxy.Requests.IsEmpty, "it is asked for");
        program.Signal(CliProcess.SigTerm);
        var end = await program.EndAsync();
        proxy.Release();
        await Eventually.True(() => !proxy.Grants.IsEmpty, "the attempt arrives");

        Assert.That(end.ExitCode, Is.EqualTo(143), end.Error);
        Assert.That(proxy.Grants.Single().Body, Does.Contain("withdrawn"));
        await IsFree(line, name);
    }

    [TestCase("lock acquire NAME --ttl 10m --timeout 100ms", "")]
    [TestCase("lock run NAME --ttl 10m --wait 0 --timeout 100ms -- true", "lock 'NAME' was not acquired: ")]
    public async Task A_time_out_while_the_answer_is_under_way_gives_the_grant_back_and_is_exit_3(string line, string beginning)
    {
        var name = $"g/time/{Guid.NewGuid():N}";
        using var proxy = new DelayingProxy(OneMember.Endpoint) { HoldsAnswers = true };
        using var program = Start(proxy, line, name);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(3), end.Error);
        Assert.That(end.Error, Does.Contain("did not answer within").And.Not.Contain("it is not known"));
        Assert.That(end.Error, Does.StartWith("consensusctl: " + beginning.Replace("NAME", name, StringComparison.Ordinal)));
        await IsFree(line, name);
    }

    [TestCase("lock acquire NAME --ttl 10m", "lock 'NAME'")]
    [TestCase("semaphore acquire NAME --permits 1 --ttl 10m -o json", "semaphore 'NAME'")]
    public async Task A_token_that_cannot_be_written_gives_the_hold_back_and_is_exit_5(string line, string what)
    {
        var name = $"g/full/{Guid.NewGuid():N}";
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\" > /dev/full", Words(line, name));
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(5));
        Assert.That(end.Error, Is.EqualTo(
            $"consensusctl: standard output could not be written: No space left on device, so {what.Replace("NAME", name, StringComparison.Ordinal)} was given back.\n"));
        await IsFree(line, name);
    }

    [Test]
    public async Task A_token_whose_reader_is_gone_gives_the_hold_back_without_a_word()
    {
        var name = $"g/reader/{Guid.NewGuid():N}";
        using var program = CliProcess.InShell(
            OneMember.Endpoint, "{ read -r go; \"$@\"; echo $? >&2; } | { exec <&-; echo gone; }", Words("lock acquire NAME --ttl 10m", name));
        await Eventually.True(() => program.OutputSoFar == "gone\n", "the reader is gone");
        await program.TellAsync("go\n");
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo("141\n"));
        await IsFree("lock", name);
    }

    [Test]
    public async Task A_lease_whose_answer_is_under_way_when_the_signal_comes_is_revoked()
    {
        using var proxy = new DelayingProxy(OneMember.Endpoint) { HoldsAnswers = true };
        using var program = new CliProcess(proxy.Endpoint, "lease", "grant", "--ttl", "10m");
        await Eventually.True(() => !proxy.Grants.IsEmpty, "it is granted");
        await Member.RowsAsync("lease", "show", GrantedLease(proxy));
        program.Signal(CliProcess.SigTerm);

        Assert.That((await program.EndAsync()).ExitCode, Is.EqualTo(143));
        await Member.RefusedAsync("lease", "show", GrantedLease(proxy));
    }

    [Test]
    public async Task A_lease_that_cannot_be_written_is_revoked()
    {
        using var proxy = new DelayingProxy(OneMember.Endpoint);
        using var program = CliProcess.InShell(proxy.Endpoint, "exec \"$@\" > /dev/full", "lease", "grant", "--ttl", "10m");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(5));
        Assert.That(end.Error, Does.EndWith(": No space left on device, so the lease was given back.\n"));
        await Member.RefusedAsync("lease", "show", GrantedLease(proxy));
    }

    private static string GrantedLease(DelayingProxy proxy) => JsonNode.Parse(proxy.Grants.Single().Body)!["id"]!.GetValue<string>();

    private static CliProcess Start(DelayingProxy proxy, string line, string name) => new(proxy.Endpoint, Words(line, name));

    private static string[] Words(string line, string name) => [.. line.Split(' ').Select(word => word == "NAME" ? name : word)];

    /// <summary>What the line names can be had at once.</summary>
    private static async Task IsFree(string line, string name)
    {
        var kind = line.Split(' ')[0];
        if (kind == "elect")
        {
            await Member.RefusedAsync("elect", "show", name);
            return;
        }
        Assert.That((await Member.RowsAsync(kind, "show", name)).Select(row => row[1]), Is.EqualTo(new[] { "free" }), "neither held, nor waited for, nor lost");
    }
}
