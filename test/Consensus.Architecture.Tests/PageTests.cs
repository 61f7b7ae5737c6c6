using System.Text.RegularExpressions;
using Consensus.Documents;

namespace Consensus.Architecture.Tests;

/// <summary>Links lead somewhere, and what a page tells somebody to look at is there.</summary>
public sealed partial class PageTests
{
    [Test]
    public void Every_link_of_a_page_leads_to_a_file_and_to_a_heading_that_are_there()
    {
        var anchors = ShownCommands.Pages().ToDictionary(page => page.Path, page => AnchorsOf(page.Text));
        var links = ShownCommands.Pages()
            .SelectMany(page => Link().Matches(Code().Replace(page.Text, "")).Select(match => (page.Path, Target: match.Groups[1].Value)))
            .Where(link => !link.Target.Contains("://", StringComparison.Ordinal))
            .ToList();
        Assert.That(links, Has.Count.GreaterThan(100));
        Assert.That(links.Where(link => !Leads(link.Path, link.Target)), Is.Empty);

        bool Leads(string from, string target)
        {
            var parts = target.Split('#');
            var path = parts[0].Length == 0
                ? from
                : Path.GetRelativePath(ShownCommands.Root, Path.Combine(ShownCommands.Root, Path.GetDirectoryName(from)!, parts[0]));
            return Path.Exists(Path.Combine(ShownCommands.Root, path))
                && (parts.Length == 1 || (anchors.TryGetValue(path, out var there) && there.Contains(parts[1])));
        }
    }

    [Test]
    public void Every_metric_that_a_page_names_is_one_that_a_member_has()
    {
        var written = string.Concat(Directory
            .EnumerateFiles(Path.Combine(ShownCommands.Root, "src", "Consensus.Server", "Metrics"), "*.cs")
            .Select(File.ReadAllText));
        var named = ShownCommands.Pages()
            .SelectMany(page => Metric().Matches(page.Text).Select(match => (page.Path, Name: match.Value)))
            .Distinct()
            .ToList();
        Assert.That(named, Has.Count.GreaterThan(15));
        Assert.That(named.Where(metric => !written.Contains($"\"{metric.Name}\"", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Every_page_that_an_answer_of_the_programs_names_is_there()
    {
        var named = Directory.EnumerateFiles(Path.Combine(ShownCommands.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(path => Page().Matches(File.ReadAllText(path)).Select(match => match.Value))
            .Distinct()
            .ToList();
        Assert.That(named, Is.Not.Empty);
        Assert.That(named.Where(page => !File.Exists(Path.Combine(ShownCommands.Root, page))), Is.Empty);
    }

    [TestCase("## A start that is refused", "a-start-that-is-refused")]
    [TestCase("### `lock run`, and what it promises", "lock-run-and-what-it-promises")]
    public void A_heading_is_found_by_its_words(string heading, string anchor) =>
        Assert.That(AnchorsOf($"text\n{heading}\n"), Does.Contain(anchor));

    /// <summary>As the usual renderers make them: small letters, blanks as hyphens, no punctuation.</summary>
    private static HashSet<string> AnchorsOf(string text) =>
    [
        .. Heading().Matches(Code().Replace(text, "")).Select(match =>
            Punctuation().Replace(match.Groups[1].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-')),
        .. Anchor().Matches(text).Select(match => match.Groups[1].Value),
    ];

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();

    [GeneratedRegex("<a id=\"([^\"]+)\"></a>")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"(?<![\w/.-])consensus_[a-z_]+(?![\w*.])")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\bdocs/[a-z-]+\.md\b")]
    private static partial Regex Page();
}
