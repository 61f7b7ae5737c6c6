using System.Globalization;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Commands;

/// <summary>A mistake on the command line, in one sentence.</summary>
internal sealed class OptionsException(string message) : Exception(message);

/// <summary>What <c>scripts/simulate</c> was asked for.</summary>
internal sealed record SimulateOptions
{
    private const string Usage = """
        Runs whole clusters of production cores, logs and snapshots in virtual time, under faults, and checks what they promise.

        Usage: scripts/simulate [options]

          --seed N          the first seed (from the clock)
          --seeds N         so many seeds, one after the other (1 with --seed, else as many as the minutes allow)
          --minutes M       for so long (1, unless --seed or --seeds is given)
          --without A,B     leave out these kinds of fault
          --clients N       only the first N clients
          --phase-one S     faults for S virtual seconds at most
          --trace N         print the newest N lines of each run's trace; after a failure 60 are printed anyway
          --verbose         a line for each seed
          --keep-going      run on after a failing seed, and look for no shorter trace
          --help            this text

        Exit codes: 0 every promise was kept, 1 a seed failed, 2 the command line was wrong.
        Kinds of fault:
        """;

    /// <summary>Null: from the clock.</summary>
    public ulong? Seed { get; init; }

    public long? Seeds { get; init; }

    public TimeSpan? Time { get; init; }

    public Reduction Reduction { get; init; } = new();

    public int TraceLines { get; init; }

    public bool IsVerbose { get; init; }

    public bool KeepsGoing { get; init; }

    public bool WantsHelp { get; init; }

    public static string UsageText => $"{Usage} {string.Join(", ", Reduction.KindsIn(FaultKinds.All))}.";

    public static SimulateOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new SimulateOptions();
        var given = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, inline) = Split(arguments[i]);
            if (!given.Add(name))
            {
                throw new OptionsException($"{name} is given twice");
            }
            options = name is "--verbose" or "--keep-going" or "--help" or "-h"
                ? options.WithSwitch(name, inline)
                : options.With(name, () => inline ?? (i + 1 < arguments.Count ? arguments[++i] : throw new OptionsException($"{name} needs a value")));
        }
        return options;
    }

    private static (string Name, string? Value) Split(string argument)
    {
        if (!argument.StartsWith('-'))
        {
            throw new OptionsException($"\"{argument}\" is not an option; options begin with two dashes (see --help)");
        }
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }

    private SimulateOptions WithSwitch(string name, string? value)
    {
        if (value is not null)
        {
            throw new OptionsException($"{name} takes no value");
        }
        return name switch
        {
            "--verbose" => this with { IsVerbose = true },
            "--keep-going" => this with { KeepsGoing = true },
            _ => this with { WantsHelp = true },
        };
    }

    private SimulateOptions With(string name, Func<string> value) => name switch
    {
        "--seed" => this with { Seed = Number(name, value(), 0, ulong.MaxValue) },
        "--seeds" => this with { Seeds = (long)Number(name, value(), 1, long.MaxValue) },
        "--minutes" => this with { Time = TimeSpan.FromMinutes(Fraction(name, value(), 100_000)) },
        "--without" => this with { Reduction = Reduction with { Without = Kinds(name, value()) } },
        "--clients" => this with { Reduction = Reduction with { Clients = (int)Number(name, value(), 0, 1_000) } },
        "--phase-one" => this with { Reduction = Reduction with { PhaseOneMicros = (long)(Fraction(name, value(), 100_000) * 1_000_000) } },
        "--trace" => this with { TraceLines = (int)Number(name, value(), 1, int.MaxValue) },
        _ => throw new OptionsException($"there is no option {name} (see --help)"),
    };

    private static ulong Number(string name, string text, ulong least, ulong most) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new OptionsException($"{name} takes a whole number{(least > 0 ? $" from {least}" : "")}, not \"{text}\"");

    private static double Fraction(string name, string text, double most) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most
            ? number
            : throw new OptionsException($"{name} takes a positive number, not \"{text}\"");

    private static FaultKinds Kinds(string name, string text)
    {
        var kinds = FaultKinds.None;
        foreach (var word in text.Split(','))
        {
            var kind = Reduction.KindsIn(FaultKinds.All).FirstOrDefault(k => string.Equals(k.ToString(), word, StringComparison.OrdinalIgnoreCase));
            kinds |= kind != FaultKinds.None ? kind : throw new OptionsException($"{name} knows no kind of fault \"{word}\" (see --help)");
        }
        return kinds;
    }
}
