using System.Globalization;
using Consensus.Exploration.Models;

namespace Consensus.Exploration.Commands;

/// <summary>A mistake on the command line, in one sentence.</summary>
internal sealed class OptionsException(string message) : Exception(message);

/// <summary>What <c>scripts/explore</c> was asked for.</summary>
internal sealed record ExploreOptions
{
    private const string Usage = """
        Visits every state that small clusters of production Raft cores can come to, once, and checks what they promise.

        Usage: scripts/explore [options]

          --model A,B       only these models (all)
          --states N        stop a model after N states (10000000)
          --small           the bounds of the tests instead of the large ones
          --bounds A=N,...  other bounds: term, messages, restarts, losses, doubles, proposals, reads, changes, notices
          --walks N         so many random walks beyond the bounds in each model (1000)
          --length N        steps in a walk (300)
          --seed N          the first walk's seed (1)
          --help            this text

        Exit codes: 0 every promise was kept, 1 one was not, 2 the command line was wrong.
        Models:
        """;

    public IReadOnlyList<Model> Models { get; init; } = AllModels.InOrder;

    public int MaxStates { get; init; } = 10_000_000;

    public bool IsSmall { get; init; }

    public IReadOnlyList<(string Name, int Bound)> Bounds { get; init; } = [];

    public int Walks { get; init; } = 1000;

    public int Length { get; init; } = 300;

    public ulong Seed { get; init; } = 1;

    public static string UsageText => $"{Usage}\n{string.Join('\n', AllModels.InOrder.Select(m => $"  {m.Name}: {m.About}"))}";

    public static ExploreOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ExploreOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            options = name == "--small"
                ? options with { IsSmall = true }
                : options.With(name, i + 1 < arguments.Count ? arguments[++i] : throw new OptionsException($"{name} needs a value, or is no option (see --help)"));
        }
        return options;
    }

    /// <summary>The bounds of a model as they were asked for.</summary>
    public Bounds BoundsOf(Model model) => Bounds.Aggregate(IsSmall ? model.Small : model.Large, static (bounds, asked) => asked.Name switch
    {
        "term" => bounds with { Term = asked.Bound },
        "messages" => bounds with { OnTheirWay = asked.Bound },
        "restarts" => bounds with { Restarts = asked.Bound },
        "losses" => bounds with { Losses = asked.Bound },
        "doubles" => bounds with { Doubles = asked.Bound },
        "proposals" => bounds with { Proposals = asked.Bound },
        "reads" => bounds with { Reads = asked.Bound },
        "changes" => bounds with { Changes = asked.Bound },
        "notices" => bounds with { Notices = asked.Bound },
        _ => throw new OptionsException($"there is no bound {asked.Name} (see --help)"),
    });

    private ExploreOptions With(string name, string value) => name switch
    {
        "--model" => this with { Models = [.. value.Split(',').Select(Find)] },
        "--states" => this with { MaxStates = Number(name, value, int.MaxValue) },
        "--bounds" => this with { Bounds = [.. value.Split(',').Select(Bound)] },
        "--walks" => this with { Walks = Number(name, value, int.MaxValue) },
        "--length" => this with { Length = Number(name, value, 1_000_000) },
        "--seed" => this with { Seed = (ulong)Number(name, value, int.MaxValue) },
        _ => throw new OptionsException($"there is no option {name} (see --help)"),
    };

    private static Model Find(string name) =>
        AllModels.InOrder.FirstOrDefault(m => m.Name == name) ?? throw new OptionsException($"there is no model {name} (see --help)");

    private static (string, int) Bound(string text) => text.Split('=') is [var name, var value]
        ? (name, Number(name, value, 15))
        : throw new OptionsException($"a bound is NAME=NUMBER, not \"{text}\"");

    private static int Number(string name, string value, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw new OptionsException($"{name} takes a number from 0 to {most}, not \"{value}\"");
}
