using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>Arguments that are not UTF-8, as only a shell can give them.</summary>
internal sealed class ArgumentByteTests
{
    /// <summary>caf e9, an empty one, a surrogate, half a character, one that looks as the replacement of one that is none does, an overlong NUL.</summary>
    private const string Bytes = """
        "$(printf 'caf\351')" "" "$(printf '\355\240\200')" "$(printf 'x\360\237')" "$(printf '\357\277\275')" "$(printf '\300\200')" a
        """;

    private const string BytesInHex = "3c636166e93e3c3e3ceda0803e3c78f09f3e3cefbfbd3e3cc0803e3c613e";

    /// <summary>The bytes of its arguments, each in angle brackets.</summary>
    private const string Tell = """for a; do printf "<%s>" "$a"; done | od -An -v -tx1 | tr -d " \n" """;

    [TestCase("exec \"$@\"", TestName = "{m}(dotnet)")]
    [TestCase("export DOTNET_ROOT=$(dirname \"$(readlink -f \"$(command -v \"$1\")\")\"); app=${2%.dll}; shift 2; exec \"$app\" \"$@\"", TestName = "{m}(itself)")]
    public async Task A_command_under_a_lock_gets_its_arguments_byte_for_byte(string start)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, $"{start} {Bytes}", "lock", "run", "bytes/run", "--", "/bin/sh", "-c", Tell, "sh");
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.Zero, end.Error);
        Assert.That(end.Output, Is.EqualTo(BytesInHex));
    }

    [Test]
    public async Task A_command_under_a_lock_gets_its_environment_byte_for_byte()
    {
        using var program = CliProcess.InShell(
            OneMember.Endpoint, "NOISE=$(printf 'caf\\351') exec \"$@\"", "semaphore", "run", "bytes/run", "--permits", "1", "--", "/bin/sh", "-c", "printf %s \"$NOISE\" | od -An -tx1");
        Assert.That((await program.EndAsync()).Output.Trim(), Is.EqualTo("63 61 66 e9"));
    }

    [Test]
    public async Task Long_arguments_are_passed_on_whole()
    {
        using var program = CliProcess.InShell(
            OneMember.Endpoint,
            "big=$(head -c 100000 /dev/zero | tr '\\0' x)$(printf '\\377'); exec \"$@\" \"$big\" \"$big\" \"$big\" \"$big\" \"$big\"",
            "lock",
            "run",
            "bytes/run",
            "--",
            "/bin/sh",
            "-c",
            "printf %s \"$5\" | cksum; printf %s \"$@\" | wc -c",
            "sh");
        using var shell = CliProcess.InShell(OneMember.Endpoint, "{ head -c 100000 /dev/zero | tr '\\0' x; printf '\\377'; } | cksum; echo 500005");

        Assert.That((await program.EndAsync()).Output, Is.EqualTo((await shell.EndAsync()).Output));
    }

    [TestCase("KEY is not valid UTF-8: 'k\\xff'.", "kv put $'k' v")]
    [TestCase("VALUE is not valid UTF-8: 'k\\xff'.", "kv put v $'k'")]
    [TestCase("KEY is not valid UTF-8: 'k\\xff'.", "kv get $'k' --raw")]
    [TestCase("KEY is not valid UTF-8: 'k\\xff'.", "kv delete $'k'")]
    [TestCase("--prefix is not valid UTF-8: 'k\\xff'.", "kv delete --prefix=$'k'")]
    [TestCase("--prefix is not valid UTF-8: 'k\\xff'.", "kv list --prefix $'k'")]
    [TestCase("PREFIX is not valid UTF-8: 'k\\xff'.", "watch $'k'")]
    [TestCase("--owner is not valid UTF-8: 'k\\xff'.", "lock acquire bytes/a --owner $'k'")]
    [TestCase("--metadata is not valid UTF-8: 'k\\xff'.", "lock acquire bytes/a --metadata $'k'")]
    [TestCase("NAME is not valid UTF-8: 'k\\xff'.", "lock run $'k' -- true")]
    [TestCase("NAME is not valid UTF-8: 'k\\xff'.", "semaphore acquire $'k' --permits 1")]
    [TestCase("--value is not valid UTF-8: 'k\\xff'.", "elect bytes/e --candidate x --value $'k' -- true")]
    [TestCase("NAME is not valid UTF-8: 'k\\xff'.", "elect observe $'k'")]
    [TestCase("RESOURCE is not valid UTF-8: 'k\\xff'.", "fence check $'k' 1")]
    [TestCase("ID is not valid UTF-8: 'k\\xff'.", "lease show $'k'")]
    [TestCase("MEMBER is not valid UTF-8: 'k\\xff'.", "members remove $'k'")]
    [TestCase("FILE is not valid UTF-8: 'k\\xff'.", "txn $'k'")]
    [TestCase("FILE is not valid UTF-8: 'k\\xff'.", "snapshot save $'k'")]
    [TestCase("--data-dir is not valid UTF-8: 'k\\xff'.", "snapshot restore a --data-dir $'k'")]
    [TestCase("--endpoints is not valid UTF-8: 'k\\xff'.", "status --endpoints $'k'")]
    [TestCase("There is no command \"k\\xff\" here; there is get, put, delete, list, watch. See: consensusctl kv --help", "kv $'k'")]
    public async Task Anywhere_else_an_argument_that_is_not_UTF_8_is_named_and_is_exit_2(string sentence, string line)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, $"exec \"$@\" {line.Replace("$'k'", "\"$(printf 'k\\377')\"", StringComparison.Ordinal)}");
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo($"consensusctl: {sentence}\n"));
        Assert.That(end.ExitCode, Is.EqualTo(2));
        Assert.That(end.Output, Is.Empty);
    }

    [Test]
    public async Task Endpoints_of_the_environment_that_are_not_UTF_8_are_named_and_are_exit_2()
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "CONSENSUS_ENDPOINTS=$(printf 'h\\377:1') exec \"$@\"", "status");
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo("consensusctl: CONSENSUS_ENDPOINTS is not valid UTF-8: 'h\ufffd:1'.\n"));
        Assert.That(end.ExitCode, Is.EqualTo(2));
    }

    [Test]
    public async Task The_replacement_character_itself_is_text()
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\" \"$(printf 'bytes/\\357\\277\\275')\" x", "kv", "put");
        Assert.That((await program.EndAsync()).ExitCode, Is.Zero);
        Assert.That((await Member.RowsAsync("kv", "get", "bytes/\ufffd"))[0][1], Is.EqualTo("x"));
    }
}
