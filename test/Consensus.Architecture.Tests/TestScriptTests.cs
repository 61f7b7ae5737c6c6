using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Consensus.Architecture.Tests;

/// <summary>What <c>scripts/test</c> says of tests that were skipped, with a <c>dotnet</c> in the place of the real one that only tells results.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class TestScriptTests
{
    private const string Ran = """<UnitTestResult testId="1" testName="It_runs" outcome="Passed" />""";

    // As the trx logger of vstest writes them.
    private const string Skipped = """
        <UnitTestResult testId="2" testName="It_reads(2,&quot;&lt;a&gt;&quot;)" outcome="NotExecuted">
          <Output>
            <StdOut>strace is missing</StdOut>
            <ErrorInfo>
              <Message>strace is missing &amp; cannot
        be had</Message>
            </ErrorInfo>
          </Output>
        </UnitTestResult>
        """;

    // The runner counts it neither as passed nor as skipped.
    private const string ByHand = """
        <UnitTestResult testId="3" testName="It_takes_an_hour" outcome="NotExecuted">
          <Output>
            <ErrorInfo>
              <Message>OneTimeSetUp: By hand: it takes an hour.</Message>
            </ErrorInfo>
          </Output>
        </UnitTestResult>
        """;

    private const string Definitions = """
        <UnitTest name="It_runs" storage="a.dll" id="1">
          <TestMethod codeBase="a.dll" className="Some.Tests.DiskTests" name="It_runs" />
        </UnitTest>
        <UnitTest name="It_reads(2,&quot;&lt;a&gt;&quot;)" storage="a.dll" id="2">
          <TestMethod codeBase="a.dll" className="Some.Tests.DiskTests" name="It_reads(2,&quot;&lt;a&gt;&quot;)" />
        </UnitTest>
        <UnitTest name="It_takes_an_hour" storage="a.dll" id="3">
          <TestMethod codeBase="a.dll" className="Some.Tests.DiskTests" name="It_takes_an_hour" />
        </UnitTest>
        """;

    private const string Line = "SKIPPED Some.Tests.DiskTests.It_reads(2,\"<a>\"): strace is missing & cannot be had";

    private readonly string _directory = Directory.CreateTempSubdirectory("consensus-scripts-").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    [Test]
    public async Task When_nothing_is_skipped_nothing_is_said_of_it()
    {
        var (code, output) = await RunAsync(Ran, skipped: 0, ci: "true");
        Assert.That((code, output[^1]), Is.EqualTo((0, "1 passed, 0 failed")));
        Assert.That(output, Has.None.StartWith("SKIPPED"));
    }

    [Test]
    public async Task A_test_that_is_run_by_hand_is_not_skipped()
    {
        var (code, output) = await RunAsync(Ran + "\n" + ByHand, skipped: 0, ci: "true");
        Assert.That((code, output[^1]), Is.EqualTo((0, "1 passed, 0 failed")));
        Assert.That(output, Has.None.StartWith("SKIPPED"));
    }

    [TestCase("true", 1)]
    [TestCase("", 0)]
    [TestCase("false", 0)]
    public async Task A_skipped_test_is_told_with_its_reason_and_fails_where_CI_is_true(string ci, int expected)
    {
        var (code, output) = await RunAsync(Ran + "\n" + Skipped, skipped: 1, ci);
        Assert.That((code, output[^1]), Is.EqualTo((expected, "1 passed, 0 failed, 1 skipped")));
        Assert.That(output, Has.Exactly(1).EqualTo(Line));
    }

    [TestCase("Some.Tests.DiskTests.It_reads", 0)]
    [TestCase("# Some.Tests.DiskTests.It_reads", 1)]
    [TestCase("Some.Tests.DiskTests.It", 1)]
    public async Task A_test_that_the_list_names_may_be_skipped_and_is_told_all_the_same(string allowed, int expected)
    {
        var (code, output) = await RunAsync(Ran + "\n" + Skipped, skipped: 1, "true", allowed);
        Assert.That(code, Is.EqualTo(expected), string.Join('\n', output));
        Assert.That(output, Does.Contain(Line));
    }

    [Test]
    public async Task A_skip_without_a_line_of_its_own_fails_where_CI_is_true()
    {
        var (code, output) = await RunAsync(Ran, skipped: 1, "true");
        Assert.That((code, output[^1]), Is.EqualTo((1, "1 passed, 0 failed, 1 skipped")));
    }

    private async Task<(int Code, string[] Output)> RunAsync(string results, int skipped, string ci, string allowed = "")
    {
        var programs = Directory.CreateDirectory(Path.Combine(_directory, "bin")).FullName;
        Directory.CreateDirectory(Path.Combine(_directory, "scripts"));
        Directory.CreateDirectory(Path.Combine(_directory, "test"));
        File.Copy(Script(), Path.Combine(_directory, "scripts", "test"));
        await File.WriteAllTextAsync(Path.Combine(_directory, "test", "allowed-skips.txt"), $"# Why.\n{allowed}\n");
        await File.WriteAllTextAsync(
            Path.Combine(_directory, "results.trx"), $"<TestRun>\n<Results>\n{results}\n</Results>\n<TestDefinitions>\n{Definitions}\n</TestDefinitions>\n</TestRun>\n");
        var dotnet = Path.Combine(programs, "dotnet");
        await File.WriteAllTextAsync(dotnet, $"""
            #!/usr/bin/env bash
            [[ $1 == test ]] || exit 0
            mkdir -p "$CONSENSUS_TEST_RESULTS/Some.Tests"
            cp "{_directory}/results.trx" "$CONSENSUS_TEST_RESULTS/Some.Tests/"
            echo "Passed!  - Failed:     0, Passed:     1, Skipped:     {skipped}, Total:     {1 + skipped}, Duration: 1 s - Some.Tests.dll (net10.0)"
            """);
        var start = new ProcessStartInfo("bash", ["-c", "chmod +x bin/dotnet; exec bash scripts/test"])
        {
            WorkingDirectory = _directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["CI"] = ci;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = Patience.Begin();
        await process.WaitForExitAsync(limit.Token);
        await TestContext.Out.WriteLineAsync(await error);
        return (process.ExitCode, (await output).TrimEnd('\n').Split('\n'));
    }

    private static string Script([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "scripts", "test"));
}
