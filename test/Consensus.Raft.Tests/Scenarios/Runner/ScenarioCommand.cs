using System.Globalization;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>One command line: a name, plain arguments, and named ones.</summary>
internal sealed record ScenarioCommand(string Name, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Named)
{
    public static ScenarioCommand Parse(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var named = words.Skip(1).Where(w => w.Contains('=', StringComparison.Ordinal)).Select(w => w.Split('=', 2));
        return new ScenarioCommand(
            words[0],
            [.. words.Skip(1).Where(w => !w.Contains('=', StringComparison.Ordinal))],
            named.ToDictionary(w => w[0], w => w[1]));
    }

    public int Number(int at) =>
        at < Arguments.Count ? ParseNumber(Arguments[at]) : throw new FormatException($"'{Name}' needs more arguments");

    public int Number(string name, int otherwise) => Named.TryGetValue(name, out var text) ? ParseNumber(text) : otherwise;

    public int[] Numbers(string name) => Named.TryGetValue(name, out var text) ? ParseNumbers(text) : [];

    public static int[] ParseNumbers(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(ParseNumber)];

    private static int ParseNumber(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
