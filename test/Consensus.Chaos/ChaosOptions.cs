using System.Globalization;

namespace Consensus.Chaos;

/// <summary>What the command line asks for.</summary>
public sealed record ChaosOptions
{
    public const string Usage = """
        usage: scripts/chaos [options]      faults for a cluster of real processes; what clients saw is judged by the simulation's checkers

          --minutes M      how long, at least; in rounds of about a minute                  (default 5)
          --seed N         which faults, and what clients ask; real processes make no two runs alike   (default: drawn)
          --nodes N        3 or 5                                                           (default 3)
          --clients N                                                                        (default 20)
          --sessions N     clients that ask under sessions                                  (default 6)
          --watchers N     beside those that watch everything                               (default 6)
          --directory D    where data directories are made and, unless a check fails, removed (default: the system's temporary one)
        """;

    public double Minutes { get; init; } = 5;

    public ulong Seed { get; init; } = (ulong)Random.Shared.NextInt64(1, 1_000_000);

    public int Nodes { get; init; } = 3;

    public int Clients { get; init; } = 20;

    /// <summary>Clients that ask under sessions, beside the others.</summary>
    public int Sessions { get; init; } = 6;

    public int Watchers { get; init; } = 6;

    public string Directory { get; init; } = Path.GetTempPath();

    /// <summary>One round: faults, healing, judgement.</summary>
    public TimeSpan Round { get; init; } = TimeSpan.FromSeconds(45);

    /// <exception cref="ArgumentException">One sentence for the first argument that is wrong.</exception>
    public static ChaosOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ChaosOptions();
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var name = arguments[i];
            if (i + 1 == arguments.Count)
            {
                throw new ArgumentException($"{name} is unknown or lacks its value");
            }
            var value = arguments[i + 1];
            options = name switch
            {
                "--minutes" => options with { Minutes = Number(name, value, 0.1, 1440) },
                "--seed" => options with { Seed = (ulong)Number(name, value, 0, long.MaxValue) },
                "--nodes" => options with { Nodes = value is "3" or "5" ? value[0] - '0' : throw new ArgumentException($"--nodes takes 3 or 5, not '{value}'") },
                "--clients" => options with { Clients = (int)Number(name, value, 1, 500) },
                "--sessions" => options with { Sessions = (int)Number(name, value, 0, 500) },
                "--watchers" => options with { Watchers = (int)Number(name, value, 0, 500) },
                "--directory" => options with { Directory = value },
                _ => throw new ArgumentException($"unknown option {name}"),
            };
        }
        return options;
    }

    private static double Number(string name, string value, double smallest, double largest) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= smallest && number <= largest
            ? number
            : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name} takes a number from {smallest} to {largest}, not '{value}'"));
}
