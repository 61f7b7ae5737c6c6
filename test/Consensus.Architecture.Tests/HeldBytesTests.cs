using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Architecture.Tests;

/// <summary>The table of docs/architecture.md and what <c>/metrics</c> names are one list.</summary>
public sealed partial class HeldBytesTests
{
    private static readonly string[] Sources =
    [
        "src/Consensus.Server/Metrics/HeldByServer.cs",
        "src/Consensus.Node/Runtime/ConsensusNode.cs",
        "src/Consensus.Node/Core/NodeCore.cs",
    ];

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    [Test]
    public void Table_has_a_line_for_each_thing_that_metrics_name_and_no_other()
    {
        var page = File.ReadAllText(Path.Combine(Root(), "docs/architecture.md"));
        var start = page.IndexOf("## What holds payload", StringComparison.Ordinal);
        var table = page[start..page.IndexOf("\n## ", start + 1, StringComparison.Ordinal)];
        var told = Sources.SelectMany(source => Named().Matches(File.ReadAllText(Path.Combine(Root(), source)))).Select(match => match.Groups[1].Value);
        Assert.That(Line().Matches(table).Select(match => match.Groups[1].Value), Is.EquivalentTo(told));
    }

    [Test]
    public void Every_line_of_the_table_says_what_happens_past_the_budget()
    {
        var lines = File.ReadAllLines(Path.Combine(Root(), "docs/architecture.md"));
        var start = Array.FindIndex(lines, line => line.StartsWith("| label |", StringComparison.Ordinal));
        var cells = lines.Skip(start + 2).TakeWhile(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|')).ToList();
        Assert.That(cells, Has.Count.GreaterThan(15));
        Assert.That(cells.Select(line => line.Length), Is.All.EqualTo(5));
        Assert.That(cells.SelectMany(line => line.Skip(1)).Select(cell => cell.Trim()), Is.All.Not.Empty);
    }

    [GeneratedRegex("""new\("([a-z-]+)", """)]
    private static partial Regex Named();

    [GeneratedRegex("""^\| `([a-z-]+)` \|""", RegexOptions.Multiline)]
    private static partial Regex Line();
}
