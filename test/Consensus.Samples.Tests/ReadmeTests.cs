using System.Globalization;
using System.Text.RegularExpressions;

namespace Consensus.Samples.Tests;

/// <summary>
/// The commands of the README, as they stand there but for ports and directories: a developer's own cluster on the usual ones is left alone.
/// </summary>
[NonParallelizable]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed partial class ReadmeTests
{
    /// <summary>The exit code of <c>consensusctl</c> for that: nothing was done.</summary>
    private const int NobodyLeads = 3;

    private readonly string _directory = Directory.CreateTempSubdirectory("consensus-readme-").FullName;
    private readonly int _basePort = FreePorts.Take([0, 1, 100, 101, 200, 201]);

    private static string Cluster => $"{BashRun.Root}/scripts/cluster";

    [TearDown]
    public async Task StopAsync()
    {
        await RunAsync($"{Cluster} stop --dir {_directory}/cluster || true");
        Directory.Delete(_directory, recursive: true);
    }

    [Test]
    public async Task Two_curl_commands_take_a_lock_and_give_it_back()
    {
        BashRun.NeedsCurl();
        var block = Blocks("Two commands")[1];
        var output = await RunAsync($"{Cluster} start --nodes 1 --dir {_directory}/cluster --base-port {_basePort}\n{Here(block)}");
        Assert.That(output, Does.Contain("\"name\":\"reports/nightly\",\"owner\":\"me\",\"mode\":\"exclusive\",\"fencingToken\":2"));
        Assert.That(await RunAsync(Here("curl http://127.0.0.1:7379/v1/locks/reports/nightly")), Does.Contain("\"holders\":[]"));
    }

    [Test]
    public async Task A_lock_survives_its_leader_and_is_released_through_another_member()
    {
        BashRun.NeedsCurl();

        // "ask 7579 if you killed n2"
        const string Curl = "curl() { command curl \"$@\" || command curl \"${@//:7479/:7579}\"; }\n";
        var output = await RunAsync(Here(Curl + Blocks("Three nodes, and a leader that dies")[0]));
        Assert.That(output, Does.Contain("\"name\":\"job\",\"owner\":\"me\",\"mode\":\"exclusive\",\"fencingToken\":2"));
        Assert.That(output, Does.Contain("{\"name\":\"job\",\"holders\":[{\"owner\":\"me\""), "still held");
        Assert.That(output, Does.Contain("HTTP/1.1 204"));
    }

    [Test]
    public async Task The_session_on_the_command_line_goes_as_shown()
    {
        foreach (var job in new[] { "weekly.sh", "scheduler" })
        {
            await File.WriteAllTextAsync(Path.Combine(_directory, job), "#!/bin/sh\necho \"works with token $CONSENSUS_FENCING_TOKEN\"\n");
        }
        await RunAsync($"chmod +x weekly.sh scheduler; {Cluster} start --dir {_directory}/cluster --base-port {_basePort}");

        var export = "";
        var commands = 0;
        foreach (var (command, shown) in Session(Blocks("On the command line")[0]))
        {
            if (command.StartsWith("export ", StringComparison.Ordinal))
            {
                export = Here(command) + "\n";
                continue;
            }
            if (command.StartsWith("consensusctl top", StringComparison.Ordinal))
            {
                continue; // It wants a terminal; TopScreenTests draws it.
            }
            var output = await RunAsync(export + Here(command), mayMeetAnElection: true);
            var headings = Words(shown.FirstOrDefault() ?? "");
            Assert.That(Words(output).Intersect(headings), Is.EquivalentTo(headings.Where(word => !char.IsDigit(word[0]) && word[0] != '(').Distinct()), $"{command}\n{output}");
            commands++;
        }
        Assert.That(commands, Is.EqualTo(6));
    }

    private static string[] Words(string text) => Pid().Replace(text, "").Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Each command with the lines that are shown under it.</summary>
    private static IEnumerable<(string Command, List<string> Shown)> Session(string block)
    {
        (string Command, List<string> Shown)? current = null;
        foreach (var line in block.Split('\n'))
        {
            if (line.StartsWith("$ ", StringComparison.Ordinal))
            {
                if (current is { } before)
                {
                    yield return before;
                }
                current = (line[2..], []);
            }
            else
            {
                current?.Shown.Add(line);
            }
        }
        yield return current!.Value;
    }

    /// <summary>The commands with this test's ports, directory and programs.</summary>
    private string Here(string commands)
    {
        var text = Port().Replace(commands, port => $":{_basePort + int.Parse(port.Groups[1].ValueSpan, CultureInfo.InvariantCulture) - 7379}");
        text = text.Replace("scripts/cluster start", $"scripts/cluster start --base-port {_basePort}", StringComparison.Ordinal);
        text = ClusterCommand().Replace(text, command => $"{command.Value} --dir {_directory}/cluster");
        return text.Replace("scripts/cluster", Cluster, StringComparison.Ordinal);
    }

    /// <summary>The fenced blocks under a heading, without their fences.</summary>
    private static List<string> Blocks(string heading)
    {
        var page = File.ReadAllText(Path.Combine(BashRun.Root, "README.md"));
        var section = page.Split("\n## ").Single(part => part.StartsWith(heading + "\n", StringComparison.Ordinal));
        return [.. Fence().Matches(section).Select(match => match.Groups[1].Value)];
    }

    /// <param name="mayMeetAnElection">
    /// A leader was killed before it. On a busy machine an election takes longer than the next command to start, which says so and is typed
    /// again.
    /// </param>
    private async Task<string> RunAsync(string commands, bool mayMeetAnElection = false)
    {
        using var limit = Patience.Begin();
        var run = await BashRun.OfAsync(commands, _directory);
        while (mayMeetAnElection && run.ExitCode == NobodyLeads && !limit.IsCancellationRequested)
        {
            run = await BashRun.OfAsync(commands, _directory);
        }
        Assert.That(run.ExitCode, Is.Zero, $"{commands}\n{run.Output}\n{run.Error}");
        return run.Output;
    }

    /// <summary>The first of six ports as the cluster's script takes them, all free now.</summary>
    [GeneratedRegex(@":(7[345]79)\b")]
    private static partial Regex Port();

    [GeneratedRegex(@"scripts/cluster (start|stop|status|(kill|restart) (""\$LEADER""|n\d))( --base-port \d+)?")]
    private static partial Regex ClusterCommand();

    [GeneratedRegex(@"^```\w*\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\(pid \d+\)")]
    private static partial Regex Pid();
}
