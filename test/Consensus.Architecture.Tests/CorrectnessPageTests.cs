using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Architecture.Tests;

/// <summary>docs/correctness.md names tests, scenarios, checkers and faults: each must be there, so that a change of name cannot make the page wrong.</summary>
public sealed partial class CorrectnessPageTests
{
    private const int CatalogueRows = 39;

    private static readonly string Page = File.ReadAllText(Path.Combine(Root(), "docs", "correctness.md"));

    /// <summary>Text of every source file of the tests, by its path under <c>test/</c>.</summary>
    private static readonly Dictionary<string, string> Sources = Directory
        .EnumerateFiles(Path.Combine(Root(), "test"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
        .ToDictionary(path => Path.GetRelativePath(Path.Combine(Root(), "test"), path), File.ReadAllText);

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    [Test]
    public void Every_fault_of_the_catalogue_has_its_row_and_each_row_a_test_or_the_word_that_there_is_none()
    {
        var rows = Rows();
        Assert.That(rows.Select(row => row.Number), Is.EqualTo(Enumerable.Range(1, CatalogueRows)));
        foreach (var (number, caughtBy) in rows)
        {
            Assert.That(
                SpansOf(caughtBy).Any(span => IsTest(span) || IsScenario(span)) || caughtBy.Contains("not there yet", StringComparison.Ordinal), $"row {number}");
        }
    }

    [Test]
    public void Every_name_in_the_catalogue_is_one_that_can_be_looked_up()
    {
        foreach (var (number, caughtBy) in Rows())
        {
            var others = SpansOf(caughtBy).Where(span => !IsTest(span) && !IsScenario(span) && !IsSource(span) && !IsFault(span));
            Assert.That(others, Is.Empty, $"row {number}");
        }
    }

    [Test]
    public void Every_test_that_the_page_names_is_there()
    {
        var tests = SpansOf(Page).Where(IsTest).ToList();
        Assert.That(tests, Has.Count.GreaterThan(CatalogueRows));
        Assert.That(tests.Where(test => !Exists(test)), Is.Empty);
    }

    [Test]
    public void Every_scenario_and_every_source_file_that_the_page_names_is_there()
    {
        var spans = SpansOf(Page).ToList();
        Assert.That(
            spans.Where(IsScenario).Where(name => !File.Exists(Path.Combine(Root(), "test", "Consensus.Raft.Tests", "Scenarios", name))), Is.Empty);
        Assert.That(spans.Where(IsSource).Where(name => !Sources.Keys.Any(path => path.EndsWith("/" + name, StringComparison.Ordinal))), Is.Empty);
    }

    [Test]
    public void Every_checker_of_the_simulation_is_on_the_page()
    {
        var checkers = Sources
            .Where(source => source.Key.StartsWith("Consensus.Simulation/Checkers/", StringComparison.Ordinal) && source.Value.Contains("public const string Name =", StringComparison.Ordinal))
            .Select(source => source.Key["Consensus.Simulation/Checkers/".Length..])
            .ToList();
        Assert.That(checkers, Has.Count.GreaterThan(10));
        Assert.That(checkers, Is.SubsetOf(SpansOf(Page)));
    }

    [Test]
    public void The_page_names_the_faults_of_the_simulation_and_no_others()
    {
        var named = SpansOf(Page).Where(IsFault).Select(span => span["FaultKinds.".Length..]).Distinct().ToList();
        var source = Sources["Consensus.Simulation/Faults/FaultOptions.cs"];
        var kinds = FaultKind().Matches(source).Select(m => m.Groups[1].Value);
        Assert.That(named, Is.EquivalentTo(kinds));
    }

    [Test]
    public void Every_mistake_that_is_made_on_purpose_is_on_the_page()
    {
        var mistakes = Mistake().Matches(Sources["Consensus.Simulation.Tests/Broken/BrokenVariants.cs"]).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.That(mistakes, Is.Not.Empty);
        Assert.That(mistakes.Where(mistake => !Page.Contains($"| {mistake} |", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Every_model_of_the_exploration_and_every_mistake_that_is_looked_for_in_it_is_on_the_page()
    {
        var models = ModelName().Matches(Sources["Consensus.Exploration/Models/AllModels.cs"]).Select(m => $"| `{m.Groups[1].Value}` |").ToList();
        var mistakes = ExploredMistake().Matches(Sources["Consensus.Exploration.Tests/MistakeTests.cs"]).Select(m => $"| {m.Groups[1].Value} |").ToList();
        Assert.That(models, Has.Count.GreaterThan(3));
        Assert.That(mistakes, Has.Count.GreaterThan(5));
        Assert.That(models.Concat(mistakes).Where(row => !Page.Contains(row, StringComparison.Ordinal)), Is.Empty);
    }

    private static List<(int Number, string CaughtBy)> Rows() =>
        [.. CatalogueRow().Matches(Page).Select(m => (int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), m.Groups[2].Value))];

    private static IEnumerable<string> SpansOf(string text) => Span().Matches(text).Select(m => m.Groups[1].Value);

    private static bool IsTest(string span) => TestName().IsMatch(span);

    private static bool IsScenario(string span) => span.EndsWith(".txt", StringComparison.Ordinal) && !span.Contains('/', StringComparison.Ordinal);

    private static bool IsSource(string span) => span.EndsWith(".cs", StringComparison.Ordinal);

    private static bool IsFault(string span) => span.StartsWith("FaultKinds.", StringComparison.Ordinal);

    /// <summary>A method of that name in a file of that name; several projects may have a file of one name.</summary>
    private static bool Exists(string test)
    {
        var (type, method) = (test.Split('.')[0], test.Split('.')[1]);
        return Sources.Any(source =>
            Path.GetFileName(source.Key) == type + ".cs" && Regex.IsMatch(source.Value, $@"\bpublic (async Task|Task|void) {method}\("));
    }

    /// <summary>Number and last column of a row whose first column is a number: only the catalogue's are.</summary>
    [GeneratedRegex(@"^\| <a id=""raft-bugs-\d+""></a>(\d+) \|[^|]*\|([^|]*)\|$", RegexOptions.Multiline)]
    private static partial Regex CatalogueRow();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"^\w+Tests\.(?!cs$)\w+$")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^ +new\(""([^""]+)"", ", RegexOptions.Multiline)]
    private static partial Regex Mistake();

    [GeneratedRegex(@"^ +Name = ""(\w+)"",", RegexOptions.Multiline)]
    private static partial Regex ModelName();

    [GeneratedRegex(@"^ +\(""([^""]+)"", ", RegexOptions.Multiline)]
    private static partial Regex ExploredMistake();

    [GeneratedRegex(@"^    (\w+) = 1 << \d+,", RegexOptions.Multiline)]
    private static partial Regex FaultKind();
}
