using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Architecture.Tests;

/// <summary>
/// Tests wait for what must come and judge what came. None looks at a clock, sleeps for a while or has a deadline of its own: how long something takes is the machine's business,
/// and a deadline that fits a quiet one fails on a busy one. <c>test/Waiting/Patience.cs</c> has the only one.
/// </summary>
public sealed partial class PatienceTests
{
    /// <summary>What is used all the same, by the file it is used in, and for what.</summary>
    private static readonly HashSet<(string File, string Use)> Allowed =
    [
        // Cancels at a moment drawn at random, whichever that is: nothing is judged by it.
        ("Consensus.Client.Tests/Holding/GivenUpTests.cs", "CancellationTokenSource(T"),
        // An example for readers, which is compiled and not run.
        ("Consensus.Client.Tests/Docs/ClientExamples.cs", "Task.Delay("),
        // The loop thread under test sleeps until a time on this clock.
        ("Consensus.Node.Tests/Runtime/InboxTests.cs", "TickCount64"),
        // Fresh seeds.
        ("Consensus.Simulation.Tests/SeedTests.cs", "DateTimeOffset.UtcNow"),
    ];

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, ".."));

    private static IEnumerable<(string File, int Line, string Use)> Uses() => Directory
        .GetDirectories(Root(), "Consensus.*.Tests")
        .SelectMany(project => Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.EndsWith(nameof(PatienceTests) + ".cs", StringComparison.Ordinal))
        .SelectMany(path => File.ReadLines(path).SelectMany((text, index) => Clock().Matches(Comment().Replace(text, "")).Select(use =>
            (Path.GetRelativePath(Root(), path), index + 1, use.Value))));

    [Test]
    public void No_test_looks_at_a_clock_sleeps_or_has_a_deadline_of_its_own() => Assert.That(
        Uses().Where(use => !Allowed.Contains((use.File, use.Use))).Select(use => $"{use.File}:{use.Line}: {use.Use}"),
        Is.Empty,
        "wait with Patience, or on a clock that the test moves");

    [Test]
    public void Every_exception_is_needed() => Assert.That(Uses().Select(use => (use.File, use.Use)).Intersect(Allowed), Is.EquivalentTo(Allowed));

    [TestCase("var watch = Stopwatch.StartNew();")]
    [TestCase("Thread.Sleep(50);")]
    [TestCase("await Task.Delay(TimeSpan.FromSeconds(1));")]
    [TestCase("stop.CancelAfter(500);")]
    [TestCase("using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));")]
    [TestCase("private readonly CancellationTokenSource _limit = new(5_000);")]
    [TestCase("await task.WaitAsync(TimeSpan.FromSeconds(5));")]
    [TestCase("Assert.That(task.Wait(TimeSpan.FromSeconds(5)));")]
    [TestCase("Assert.That(thread.Join(5_000));")]
    [TestCase("process.WaitForExit(5_000);")]
    [TestCase("var before = DateTime.UtcNow;")]
    [TestCase("var start = TimeProvider.System.GetTimestamp();")]
    [TestCase("[Test, MaxTime(500)]")]
    [TestCase("[Retry(3)]")]
    [TestCase("Assert.That(() => seen, Is.EqualTo(3).After(500));")]
    [TestCase("(\"consensusctl watch a & sleep 4; kill $!\", 0, \"\")")]
    public void A_clock_is_seen(string line) => Assert.That(Clock().IsMatch(line), Is.True);

    [TestCase("await Task.Delay(Timeout.Infinite, stopping);")]
    [TestCase("using var stop = new CancellationTokenSource();")]
    [TestCase("using var limit = Patience.Begin();")]
    [TestCase("Assert.That(begun.Wait(Patience.Limit), Is.True);")]
    [TestCase("var line = string.Join(',', names);")]
    [TestCase("cluster.Join(4, members);")]
    [TestCase("log = log.After([batch[^1]]);")]
    [TestCase("while ! [ -e go ]; do sleep 0.01; done")]
    public void What_is_no_clock_is_left_alone(string line) => Assert.That(Clock().IsMatch(line), Is.False);

    [GeneratedRegex(
        @"\bStopwatch\b(?!\.Frequency)|\bThread\.Sleep\b|\bTask\.Delay\((?!Timeout\.Infinite)|\bCancelAfter\b|\bCancellationTokenSource( \w+ = new)?\([^)]|\bSpinUntil\b|\bPeriodicTimer\b"
        + @"|\bTickCount(64)?\b|\bDateTime(Offset)?\.(Utc)?Now\b|\bTimeProvider\.System\.|\.WaitAsync\(|\.(Wait|WaitOne|Join)\((TimeSpan|\d[\d_]{2,})|\.WaitForExit\([^)]"
        + @"|\bMaxTime\b|\[(\w+, )*(Timeout|Retry)\(|\bIs\.[^;]*\.After\(|\bsleep [1-9]")]
    private static partial Regex Clock();

    [GeneratedRegex("(^|\\s)//.*$")]
    private static partial Regex Comment();
}
