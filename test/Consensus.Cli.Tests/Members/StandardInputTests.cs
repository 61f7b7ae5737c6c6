using Consensus.Api;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Members;

/// <summary>What is read from standard input, or from a file named in its place.</summary>
internal sealed class StandardInputTests
{
    [TestCase("<&-", "Standard input cannot be read: it is closed.", "kv", "put", "in/a", "-")]
    [TestCase("<&-", "Standard input cannot be read: it is closed.", "txn", "-")]
    [TestCase("< /", "Standard input cannot be read: Is a directory.", "kv", "put", "in/a", "-")]
    [TestCase("0> /dev/null", "Standard input cannot be read: Bad file descriptor.", "txn", "-")]
    [TestCase("< /dev/zero", "Standard input holds more than 1048576 bytes, and a value has no more than that.", "kv", "put", "in/a", "-")]
    [TestCase("< /dev/zero", "Standard input holds more than 1572864 bytes, and a transaction has no more than that.", "txn", "-")]
    [TestCase("", "'/dev/zero' holds more than 1572864 bytes, and a transaction has no more than that.", "txn", "/dev/zero")]
    public async Task What_cannot_be_read_or_is_too_much_is_told_and_is_exit_2(string redirection, string sentence, params string[] arguments)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, $"exec \"$@\" {redirection}", arguments);
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo($"consensusctl: {sentence}\n"));
        Assert.That(end.ExitCode, Is.EqualTo(2));
        Assert.That(end.Output, Is.Empty);
    }

    [TestCase("kv", "put", "in/b", "-")]
    [TestCase("txn", "-")]
    [TestCase("txn", "/dev/stdin")]
    public async Task A_signal_ends_the_wait_for_input_that_does_not_end(params string[] arguments)
    {
        using var program = CliProcess.InShell(OneMember.Endpoint, "exec \"$@\"", arguments);
        // More than a pipe takes before somebody reads it: the program is reading, and waits for more.
        await program.TellAsync(new string('x', 900_000));
        program.Signal(CliProcess.SigTerm);
        var end = await program.EndAsync();

        Assert.That(end.ExitCode, Is.EqualTo(143));
        Assert.That(end.Error, Is.Empty);
    }

    [Test]
    public async Task A_value_of_any_bytes_and_of_the_largest_size_is_put_as_it_is()
    {
        var file = Path.GetTempFileName();
        var bytes = new byte[ApiLimits.MaxValueBytes];
        new Random(7).NextBytes(bytes);
        await File.WriteAllBytesAsync(file, bytes);
        using var put = CliProcess.InShell(OneMember.Endpoint, $"exec \"$@\" < {file}", "kv", "put", "in/c", "-");
        Assert.That((await put.EndAsync()).ExitCode, Is.Zero);
        using var get = CliProcess.InShell(OneMember.Endpoint, $"\"$@\" | cmp - {file}", "kv", "get", "in/c", "--raw");
        var same = await get.EndAsync();
        File.Delete(file);

        Assert.That(same.ExitCode, Is.Zero, same.Output);
    }

    [Test]
    public async Task A_transaction_that_is_not_UTF_8_is_named_by_its_field_and_is_exit_2()
    {
        using var program = CliProcess.InShell(
            OneMember.Endpoint, """printf '{"success":[{"put":{"key":"in/d","value":"x\377"}}]}' | "$@" """, "txn", "-");
        var end = await program.EndAsync();

        Assert.That(end.Error, Is.EqualTo("consensusctl: the field \"success[0].put.value\" is not valid Unicode.\n"));
        Assert.That(end.ExitCode, Is.EqualTo(2));
        await Member.RefusedAsync("kv", "get", "in/d");
    }

    [Test]
    public async Task A_question_that_nobody_can_answer_is_answered_no()
    {
        await using var error = new StringWriter();
        await using var output = new StringWriter();
        var environment = new CliEnvironment(new UnreadableStream(), Stream.Null, output, error, false, name => name == "CONSENSUS_ENDPOINTS" ? OneMember.Endpoint.ToString() : null) { InputIsTerminal = true };
        var code = await new CliApp(environment).RunAsync(["lock", "release", "in/e", "--force"], CancellationToken.None);

        Assert.That(code, Is.EqualTo(1));
        Assert.That(error.ToString(), Does.EndWith("[y/N] consensusctl: nothing was done.\n"));
    }

    /// <summary>As a terminal whose session has ended.</summary>
    private sealed class UnreadableStream : MemoryStream
    {
        public override int Read(Span<byte> buffer) => throw new IOException("Input/output error");

        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("Input/output error");
    }
}
