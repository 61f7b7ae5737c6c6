using Consensus.Cli.Parsing;
using Consensus.Documents;

namespace Consensus.Cli.Tests.Parsing;

/// <summary>A command that a page shows is one that there is.</summary>
internal sealed class ShownCommandTests
{
    /// <summary>Shown to tell what is said of it.</summary>
    private const string WrongOnPurpose = "kv list --prefx a";

    private static IEnumerable<TestCaseData> Commands() => ShownCommands.Of("consensusctl")
        .Select(shown => (shown.Path, Line: string.Join(' ', shown.Arguments)))
        .Where(shown => shown.Line != WrongOnPurpose)
        .Distinct()
        .Select(shown => new TestCaseData(shown.Line).SetArgDisplayNames(shown.Path, shown.Line));

    [TestCaseSource(nameof(Commands))]
    public void A_command_that_a_page_shows_is_read_without_a_mistake(string line)
    {
        var environment = new CliEnvironment(Stream.Null, Stream.Null, TextWriter.Null, TextWriter.Null, false, _ => null);
        var mistake = WrongLine.MistakeIn(new CliApp(environment).Parse(line.Split(' ')));
        // A command's bare name is shown where it is spoken of: what it needs is missing then, and no more.
        var isBareName = line.All(letter => char.IsAsciiLetterLower(letter) || letter == ' ');
        Assert.That(mistake is null || (isBareName && mistake.Contains("missing", StringComparison.Ordinal)), mistake);
    }
}
