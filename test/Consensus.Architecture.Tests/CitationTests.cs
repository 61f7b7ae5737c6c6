using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Architecture.Tests;

/// <summary>Code and documents cite rules and known faults by number: each number is on its page, and no operator has to know one.</summary>
public sealed partial class CitationTests
{
    private const string RulesPage = "docs/rules.md";
    private const string FaultsPage = "docs/correctness.md";

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    /// <summary>Path from the root, and text, of whatever may cite: sources, formats, scenarios and documents.</summary>
    private static List<(string Path, string Text)> Texts() =>
    [
        .. new[] { "src", "test", "docs", "samples", "scripts" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root(), folder), "*", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Where(path => Path.GetExtension(path) is ".cs" or ".md" or ".proto" or ".txt" or ".csproj" or "")
            .Select(path => (Path.GetRelativePath(Root(), path), File.ReadAllText(path))),
    ];

    [Test]
    public void The_thirty_rules_stand_on_their_page_in_order_each_with_its_anchor()
    {
        var page = File.ReadAllText(Path.Combine(Root(), RulesPage));
        Assert.That(Anchor().Matches(page).Select(m => m.Groups[1].Value), Is.EqualTo(Enumerable.Range(1, 30).Select(n => $"rule-{n}")));
        Assert.That(Heading().Matches(page).Select(m => Number(m.Groups[1].Value)), Is.EqualTo(Enumerable.Range(1, 30)));
    }

    [Test]
    public void Every_rule_that_is_cited_is_on_the_page()
    {
        var cited = Texts().SelectMany(text => RuleCitation().Matches(text.Text).SelectMany(m => NumbersIn(m.Value)).Select(n => (text.Path, Rule: n))).ToList();
        Assert.That(cited, Has.Count.GreaterThan(150));
        Assert.That(cited.Where(citation => citation.Rule is < 1 or > 30), Is.Empty);
    }

    [Test]
    public void Every_known_fault_that_is_cited_has_its_anchor()
    {
        var page = File.ReadAllText(Path.Combine(Root(), FaultsPage));
        var anchors = Anchor().Matches(page).Select(m => m.Groups[1].Value).ToHashSet();
        var cited = Texts().SelectMany(text => FaultCitation().Matches(text.Text).SelectMany(m => NumbersIn(m.Value)).Select(n => (text.Path, Anchor: $"raft-bugs-{n}"))).ToList();
        Assert.That(cited, Has.Count.GreaterThan(40));
        Assert.That(cited.Where(citation => !anchors.Contains(citation.Anchor)), Is.Empty);
    }

    /// <summary>Whoever reads a log line, a problem or a help text has no copy of the rules.</summary>
    [Test]
    public void No_text_of_the_product_names_a_rule_by_its_number()
    {
        var named = Texts()
            .Where(text => text.Path.StartsWith("src/", StringComparison.Ordinal) && text.Path.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(text => text.Text.Split('\n')
                .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
                .SelectMany(line => Literal().Matches(line).Where(m => RuleCitation().IsMatch(m.Value) || m.Value.Contains("raft-bugs", StringComparison.Ordinal)))
                .Select(m => $"{text.Path}: {m.Value}"));
        Assert.That(named, Is.Empty);
    }

    [Test]
    public void Operators_pages_name_no_rule_by_its_number()
    {
        var pages = new[]
        {
            "README.md", "docs/operations.md", "docs/trouble.md", "docs/cli.md", "docs/http-api.md", "docs/client.md", "docs/recipes.md",
            "docs/membership.md",
        };
        Assert.That(pages.Where(page => RuleCitation().IsMatch(File.ReadAllText(Path.Combine(Root(), page)))), Is.Empty);
    }

    private static IEnumerable<int> NumbersIn(string citation) => Digits().Matches(citation).Select(m => Number(m.Value));

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex("""<a id="([a-z-]+\d+)"></a>""")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"^### Rule (\d+): ", RegexOptions.Multiline)]
    private static partial Regex Heading();

    /// <summary>"rule 7", "rules 2, 9", "rules 1 to 4", also over the end of a comment's line.</summary>
    [GeneratedRegex(@"\b[Rr]ules?[\s/]+\d+(?:(?:, | and | to |–)\d+)*\b")]
    private static partial Regex RuleCitation();

    [GeneratedRegex(@"\braft-bugs[\s/]+\d+(?:(?:, | and | to )\d+)*\b")]
    private static partial Regex FaultCitation();

    [GeneratedRegex("\"(?:[^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Literal();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
