using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Consensus.Chaos.Machines;

/// <summary>What a run leaves on the machine when it is ended by kill -9 and cannot take its cluster down. The next run does.</summary>
internal static partial class Leftovers
{
    /// <summary>The process that a network namespace belongs to is in its name: <see cref="Network"/>.</summary>
    /// <param name="directory">Where runs make their directories.</param>
    /// <returns>How many runs left something.</returns>
    public static int Remove(string directory)
    {
        var left = Shell.Output("ip", "netns", "list").Split('\n')
            .Select(line => NamespaceName().Match(line))
            .Where(match => match.Success)
            .GroupBy(match => Number(match, "run"), match => Number(match, "place"))
            .Where(run => !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{run.Key}")))
            .ToList();
        foreach (var run in left)
        {
            foreach (var place in run)
            {
                EndProcessesIn(Network.NameOf(run.Key, place));
            }
            Network.Remove(run.Key, run);
            foreach (var files in Directory.GetDirectories(directory, NameOf(run.Key) + "*"))
            {
                RemoveFiles(files);
            }
        }
        return left.Count;
    }

    /// <summary>Where a run of this process keeps its files: a directory that is not there yet, for the one before may have been left as it ended.</summary>
    public static string NewDirectory(string directory)
    {
        var first = Path.Combine(directory, NameOf(Environment.ProcessId));
        var path = first;
        for (var run = 2; Directory.Exists(path); run++)
        {
            path = string.Create(CultureInfo.InvariantCulture, $"{first}-{run}");
        }
        return path;
    }

    /// <summary>With an end, so that none is the beginning of another's.</summary>
    private static string NameOf(int process) => string.Create(CultureInfo.InvariantCulture, $"consensus-chaos-{process}-run");

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static void EndProcessesIn(string name)
    {
        foreach (var line in Shell.Output("ip", "netns", "pids", name).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var process = Process.GetProcessById(int.Parse(line, CultureInfo.InvariantCulture));
                process.Kill();
                process.WaitForExit();
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                // It ended by itself meanwhile.
            }
        }
    }

    private static void RemoveFiles(string run)
    {
        foreach (var place in Directory.GetDirectories(run))
        {
            // Fails where nothing is mounted, which is all places but one.
            Shell.Run("umount", "-l", place);
        }
        Directory.Delete(run, recursive: true);
    }

    [GeneratedRegex(@"^cx(?<run>\d+)n(?<place>\d+)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex NamespaceName();
}
