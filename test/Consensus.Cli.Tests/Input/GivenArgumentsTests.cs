using System.Text;
using Consensus.Cli.Input;

namespace Consensus.Cli.Tests.Input;

internal sealed class GivenArgumentsTests
{
    [TestCase("consensusctl\0k\xff\0\0v\0")]
    [TestCase("/usr/bin/dotnet\0exec\0--roll-forward\0Major\0/opt/consensusctl.dll\0k\xff\0\0v\0")]
    public void They_are_the_last_words_of_the_command_line_whatever_runs_the_program(string commandLine) =>
        Assert.That(GivenArguments.Of(["k\ufffd", "", "v"], Bytes(commandLine)), Is.EqualTo(new[] { "k\udcff", "", "v" }));

    [TestCase("consensusctl\0k\xff\0")]
    [TestCase("consensusctl\0k\xff\0\0w\0")]
    [TestCase("consensusctl\0k\xff\0\0v")]
    [TestCase("k\xff\0v\0")]
    [TestCase("consensusctl\0k\xff\0x\xff\0v\0")]
    [TestCase("")]
    public void Another_command_line_is_known_not_to_be_theirs(string commandLine) =>
        Assert.That(GivenArguments.Of(["k\ufffd", "", "v"], Bytes(commandLine)), Is.Null);

    private static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);
}
