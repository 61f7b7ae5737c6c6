using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Commands;

internal sealed class UsageTests
{
    private static readonly Uri Nobody = new("http://127.0.0.1:1");

    [TestCase("")]
    [TestCase("frobnicate")]
    [TestCase("kv")]
    [TestCase("kv get")]
    [TestCase("kv get a -o xml")]
    [TestCase("kv get a b")]
    [TestCase("kv put a")]
    [TestCase("kv put a b --if-revision x")]
    [TestCase("kv put a b --if-revision 3 --if-absent")]
    [TestCase("kv delete")]
    [TestCase("kv delete a --prefix b")]
    [TestCase("kv delete --prefix b --if-revision 3")]
    [TestCase("kv delete a --all")]
    [TestCase("kv list --limit 0")]
    [TestCase("kv watch")]
    [TestCase("kv watch a --from-revision 0")]
    [TestCase("watch a b")]
    [TestCase("watch --from-revision x")]
    [TestCase("txn")]
    [TestCase("lease revoke xyz")]
    [TestCase("lease show 1f/keepalive")]
    [TestCase("lease grant")]
    [TestCase("lease grant --ttl soon")]
    [TestCase("lease grant --ttl -5s")]
    [TestCase("lease keepalive 1f --since -1")]
    [TestCase("lease keepalive 1f --since soon")]
    [TestCase("lease settle 1f")]
    [TestCase("lease settle 1f 0")]
    [TestCase("lease settle 1f x")]
    [TestCase("lock acquire a --ttl 5s --lease 1f")]
    [TestCase("lock acquire a --wait 11m")]
    [TestCase("lock release a")]
    [TestCase("lock release a abc")]
    [TestCase("lock run a")]
    [TestCase("lock run -- make clean")]
    [TestCase("elect --candidate x -- make clean")]
    [TestCase("lock run a --ttl 1zs -- true")]
    [TestCase("lock run a --ttl 500ms -- true")]
    [TestCase("kv put a b --if-absent --if-revision x")]
    [TestCase("lock run a --ttl 8s --grace 3s -- true")]
    [TestCase("lock run a --ttl 60s --max-hold 8s --grace 3s -- true")]
    [TestCase("lock run a --max-hold 900ms -- true")]
    [TestCase("lock acquire a --mode some")]
    [TestCase("lock acquire a --metadata [1]")]
    [TestCase("lock release a 5 --yes")]
    [TestCase("lock hand-over a 5")]
    [TestCase("semaphore acquire a")]
    [TestCase("semaphore acquire a --permits 0")]
    [TestCase("semaphore acquire a --permits 2 --count 3")]
    [TestCase("semaphore run a --permits 2")]
    [TestCase("semaphore release a")]
    [TestCase("elect")]
    [TestCase("elect a")]
    [TestCase("elect a --candidate x --ttl 100ms")]
    [TestCase("elect show")]
    [TestCase("elect observe a b")]
    [TestCase("fence")]
    [TestCase("fence check a")]
    [TestCase("fence check a b")]
    [TestCase("fence show")]
    [TestCase("members")]
    [TestCase("members frob")]
    [TestCase("members list n1")]
    [TestCase("members add")]
    [TestCase("members add n4 --voter yes please")]
    [TestCase("members promote")]
    [TestCase("members promote n4 --replaces")]
    [TestCase("members remove")]
    [TestCase("members remove n4 n5")]
    [TestCase("leader frob")]
    [TestCase("leader show n1")]
    [TestCase("leader transfer n1 n2")]
    [TestCase("status --endpoints ftp://x")]
    [TestCase("status --endpoints http://x/path")]
    public async Task A_command_line_that_makes_no_sense_is_exit_2_and_one_sentence(string line)
    {
        var run = await Ctl.RunAsync(Nobody, line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Output, Is.Empty);
        Assert.That(run.Error, Does.StartWith("consensusctl: ").And.EndsWith("\n"));
        Assert.That(run.Error.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(1));
    }

    [TestCase("frobnicate", "command \"frobnicate\"")]
    [TestCase("lock frob", "command \"frob\"")]
    [TestCase("kv --frob", "option --frob")]
    [TestCase("kv get --frob", "option --frob")]
    [TestCase("kv get a b", "\"b\"")]
    [TestCase("kv get a -o xml", "'xml'")]
    public async Task A_word_that_is_no_command_is_named(string line, string named)
    {
        var run = await Ctl.RunAsync(Nobody, line.Split(' '));
        Assert.That(run.Error, Does.Contain(named));
    }

    [TestCase("kv put a b --if-revision x", "--if-revision needs a revision, a whole number, not 'x'.")]
    [TestCase("kv put a b --if-revision=-1", "--if-revision needs a revision, a whole number, not '-1'.")]
    [TestCase("kv list --limit many", "--limit needs a whole number, not 'many'.")]
    [TestCase("kv list --limit 99999999999", "--limit needs a whole number, not '99999999999'.")]
    [TestCase("lock release a abc", "TOKEN needs a whole number, not 'abc'.")]
    [TestCase("fence check a 1.5", "TOKEN needs a whole number, not '1.5'.")]
    [TestCase("semaphore acquire a --permits two", "--permits needs a whole number, not 'two'.")]
    [TestCase("watch --from-revision x", "--from-revision needs a whole number, not 'x'.")]
    [TestCase("bench --values big", "--values needs a size such as")]
    [TestCase("kv get a -o xml", "'table' 'json' 'msgpack'. See:")]
    public async Task A_word_where_a_number_has_to_stand_is_told_in_plain_words(string line, string sentence)
    {
        var run = await Ctl.RunAsync(Nobody, line.Split(' '));
        Assert.That(run.Error, Does.Contain(sentence).And.Not.Contain("System."));
        Assert.That(run.ExitCode, Is.EqualTo(2));
    }

    [TestCase("")]
    [TestCase(" , ")]
    public async Task Endpoints_that_are_given_empty_do_not_fall_back_to_other_ones(string endpoints)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"key":"a","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":null}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "get", "a", "--endpoints", endpoints);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain("--endpoints names no endpoint"));
        Assert.That(server.Requests, Is.Empty);
    }

    [TestCase("stauts", "Did you mean \"status\"?")]
    [TestCase("members prmote n4", "Did you mean \"members promote\"?")]
    [TestCase("lock aquire a", "Did you mean \"lock acquire\"?")]
    [TestCase("get a", "Did you mean \"kv get\"?")]
    [TestCase("kv del a", "Did you mean \"kv delete\"?")]
    [TestCase("kv aquire a", "Did you mean \"lock acquire\"?")]
    [TestCase("--endpoints kv lock aquire a", "Did you mean \"lock acquire\"?")]
    [TestCase("kv list --prefx a", "Did you mean --prefix?")]
    [TestCase("kv get --rwa a", "Did you mean --raw?")]
    [TestCase("lock run a --tll 5s -- true", "Did you mean --ttl?")]
    [TestCase("status --endpoint x", "Did you mean --endpoints?")]
    [TestCase("completion bsh", "Did you mean \"completion bash\"?")]
    [TestCase("bogus", "there is status, ")]
    [TestCase("completion fish", "there is bash, zsh.")]
    public async Task A_wrong_word_is_answered_with_what_was_meant(string line, string hint)
    {
        var run = await Ctl.RunAsync(Nobody, line.Split(' '));
        Assert.That(run.Error, Does.Contain(hint));
        Assert.That(run.ExitCode, Is.EqualTo(2));
    }

    [Test]
    public async Task Help_lists_all_commands_though_a_value_has_the_name_of_one()
    {
        var run = await Ctl.RunAsync(Nobody, "--endpoints", "kv", "--help");
        Assert.That(run.Output, Does.Contain("  kv ").And.Contain("  lock ").And.Contain("  status ").And.Contain("  completion "));
    }

    [Test]
    public async Task What_begins_with_a_dash_and_stands_after_two_dashes_is_a_value()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"key":"-k","createRevision":2,"modRevision":3,"version":2,"lease":null}"""));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "put", "--", "-k", "--prefix");

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(server.Requests.Single().Target, Is.EqualTo("/v1/kv/-k"));
        Assert.That(server.Requests.Single().Text, Is.EqualTo("--prefix"));
    }

    [TestCase("kv", "delete", "")]
    [TestCase("kv", "get", "")]
    [TestCase("kv", "delete", "--prefix", "")]
    [TestCase("kv", "watch", "")]
    [TestCase("watch", "")]
    [TestCase("txn", "")]
    [TestCase("lease", "revoke", "")]
    [TestCase("lock", "release", "", "4")]
    [TestCase("lock", "release", "", "--force")]
    [TestCase("lock", "hand-over", "a", "4", "")]
    [TestCase("semaphore", "acquire", "", "--permits", "1")]
    [TestCase("semaphore", "release", "", "--force")]
    [TestCase("elect", "", "--candidate", "x")]
    [TestCase("elect", "a", "--candidate", "")]
    [TestCase("elect", "show", "")]
    [TestCase("fence", "check", "", "4")]
    [TestCase("members", "add", "")]
    [TestCase("members", "promote", "")]
    [TestCase("members", "promote", "n4", "--replaces", "")]
    [TestCase("members", "remove", "")]
    [TestCase("leader", "transfer", "")]
    public async Task An_empty_name_never_becomes_a_request_about_everything(params string[] arguments)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"deleted":9,"revision":1}"""));
        var run = await Ctl.RunAsync(server.Endpoint, arguments);

        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(server.Requests, Is.Empty);
    }

    [TestCase("--help")]
    [TestCase("kv put --help")]
    [TestCase("lock run --help")]
    [TestCase("elect --help")]
    [TestCase("elect show --help")]
    public async Task Help_is_asked_for_and_therefore_output(string line)
    {
        var run = await Ctl.RunAsync(Nobody, line.Split(' '));

        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output, Does.Contain("Usage:"));
        Assert.That(run.Error, Is.Empty);
    }

    [Test]
    public async Task Nobody_there_is_exit_3_and_one_sentence()
    {
        using var gone = new FakeServer(_ => FakeAnswer.Abort);
        gone.Stop();
        var run = await Ctl.RunAsync(gone.Endpoint, "kv", "get", "a", "--timeout", "0");

        Assert.That(run.ExitCode, Is.EqualTo(3));
        Assert.That(run.Error, Is.EqualTo($"consensusctl: {gone.Endpoint.Authority} accepts no connection.\n"));
    }

    [TestCase(400, "bad-request", 2)]
    [TestCase(404, "not-found", 1)]
    [TestCase(409, "lock-held", 1)]
    [TestCase(410, "lease-expired", 1)]
    [TestCase(412, "precondition-failed", 1)]
    [TestCase(413, "too-large", 1)]
    [TestCase(507, "quota-exceeded", 1)]
    [TestCase(503, "no-leader", 3)]
    [TestCase(429, "too-many-requests", 1)]
    [TestCase(504, "outcome-unknown", 4)]
    public async Task Each_answer_has_its_exit_code_and_its_own_words(int status, string slug, int code)
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(status, slug, $"Sorry, {slug}."));
        var run = await Ctl.RunAsync(server.Endpoint, "kv", "put", "a", "b", "--timeout", "0");

        Assert.That(run.ExitCode, Is.EqualTo(code));
        Assert.That(run.Output, Is.Empty);
        Assert.That(run.Error, Does.EndWith($"Sorry, {slug}.\n"));
    }

    [TestCase(400)]
    [TestCase(404)]
    [TestCase(409)]
    [TestCase(429)]
    [TestCase(503)]
    public async Task Whoever_is_no_member_refuses_nothing(int status)
    {
        using var server = new FakeServer(_ => new FakeAnswer(status, "<html>Go away</html>", "text/html"));
        var said = $"{server.Endpoint.Authority} does not answer as a Consensus member does: "
            + $"it said {status} (text/html) \"<html>Go away</html>\".\n";

        var read = await Ctl.RunAsync(server.Endpoint, "kv", "get", "a", "--timeout", "0");
        var write = await Ctl.RunAsync(server.Endpoint, "kv", "put", "a", "b", "--timeout", "0");

        Assert.That(read, Is.EqualTo(new CliRun(3, "", "consensusctl: " + said)));
        Assert.That(write, Is.EqualTo(new CliRun(4, "", "consensusctl: it is not known whether this took effect: " + said)));
    }

    [Test]
    public async Task The_option_wins_over_the_variable_and_http_may_be_left_out()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, """{"deleted":0,"revision":1}"""));
        var run = await Ctl.RunAsync(Nobody, "kv", "delete", "a", "--endpoints", server.Endpoint.Authority);

        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }
}
