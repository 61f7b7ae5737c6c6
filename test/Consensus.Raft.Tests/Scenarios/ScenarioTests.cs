using Consensus.Raft.Tests.Scenarios.Runner;

namespace Consensus.Raft.Tests.Scenarios;

/// <summary>Plays every scenario of this folder against the production core and compares what it prints.</summary>
/// <remarks>
/// <c>scripts/test --regenerate-scenarios</c> writes the present output into the files instead; the difference is then to be read, line by line, before it is kept.
/// </remarks>
public sealed class ScenarioTests
{
    private static string Folder
    {
        get
        {
            var at = new DirectoryInfo(AppContext.BaseDirectory);
            while (at is not null && !File.Exists(Path.Combine(at.FullName, "Consensus.sln")))
            {
                at = at.Parent;
            }
            Assert.That(at, Is.Not.Null, "the tests run from within the repository");
            return Path.Combine(at!.FullName, "test", "Consensus.Raft.Tests", "Scenarios");
        }
    }

    private static IEnumerable<string> Names =>
        Directory.EnumerateFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Names))]
    public void Scenario_prints_what_it_says(string name)
    {
        var path = Path.Combine(Folder, name + ".txt");
        var expected = File.ReadAllText(path);
        var printed = ScenarioFile.Run(expected);
        if (Environment.GetEnvironmentVariable(ScenarioFile.RegenerateVariable) == "1")
        {
            File.WriteAllText(path, printed);
            return;
        }
        Assert.That(printed.Split('\n'), Is.EqualTo(expected.Split('\n')));
    }

    [Test]
    public void Wrong_output_is_replaced_by_what_is_printed()
    {
        const string Text = "# one\n> cluster voters=1,2\n> state 1\n  1: leader of everything\n\n> queue\n";
        Assert.That(
            ScenarioFile.Run(Text),
            Is.EqualTo("# one\n> cluster voters=1,2\n> state 1\n  1: follower t0 vote=- leader=- log=- commit=0 applied=0\n\n> queue\n  nothing\n"));
    }

    [TestCase("> cluster voters=1\n> dance 1\n")]
    [TestCase("> cluster voters=1\n> tick 1\n")]
    [TestCase("> cluster voters=1\n> crash 1\n> propose 1\n")]
    [TestCase("cluster voters=1\n")]
    public void What_is_not_understood_is_refused(string text) =>
        Assert.That(() => ScenarioFile.Run(text), Throws.InstanceOf<FormatException>().Or.InstanceOf<InvalidOperationException>());

    /// <summary>The scenarios cannot record an unsafe run: two leaders in one term end it.</summary>
    [Test]
    public void Unsafe_runs_are_refused()
    {
        // Member 3 comes back without the vote that it gave: a disk that forgot, as no real one may.
        const string Text = """
            > cluster voters=1,2,3
            > campaign 1
            > isolate 2
            > settle quiet
            > heal
            > start 3
            > isolate 1
            > campaign 2
            > settle quiet
            """;
        Assert.That(() => ScenarioFile.Run(Text + "\n"), Throws.InvalidOperationException.With.Message.Contains("at most one leader"));
    }
}
