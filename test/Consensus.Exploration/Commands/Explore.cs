using System.Diagnostics;
using System.Globalization;
using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Exploration.Search;

namespace Consensus.Exploration.Commands;

/// <summary>Searches models one after the other, then walks beyond their bounds, and says what came of it.</summary>
internal sealed class Explore(ExploreOptions options, TextWriter output, TextWriter errors)
{
    /// <summary>The exit code.</summary>
    public int Run()
    {
        foreach (var model in options.Models)
        {
            if ((Search(model, options.BoundsOf(model)) ?? Walk(model)) is { } finding)
            {
                errors.WriteLine($"{model.Name}: a promise is broken: {finding}");
                return 1;
            }
        }
        return 0;
    }

    private Finding? Search(Model model, Bounds bounds)
    {
        var clock = Stopwatch.StartNew();
        var search = new ExhaustiveSearch(model, bounds, new Wiring(), options.MaxStates)
        {
            OnDepth = (depth, states) => errors.WriteLine(Line($"{model.Name}: {states} states up to {depth} steps away, {clock.Elapsed.TotalSeconds:F0} s")),
        };
        var result = search.Run();
        var whole = result.IsComplete ? "all states within the bounds" : $"stopped by the number of states, whole up to {result.Depth - 1} steps away";
        var core = search.Space.Steps;
        output.WriteLine(Line($"{model.Name}: {result.States} states, {result.Transitions} steps between them, {result.Depth} steps deep, {whole}; {clock.Elapsed.TotalSeconds:F1} s"));
        output.WriteLine(Line($"  {core.Taken} steps of the core, {core.Members} states of a member, {core.Messages} messages; {bounds}"));
        return result.Finding;
    }

    private Finding? Walk(Model model)
    {
        var clock = Stopwatch.StartNew();
        var walks = new RandomWalks(model, new Wiring(), options.Seed);
        for (var i = 0; i < options.Walks; i++)
        {
            if (walks.Walk(options.Length) is { } finding)
            {
                return finding;
            }
        }
        output.WriteLine(Line($"{model.Name}: {options.Walks} walks beyond the bounds, {walks.Steps} steps; {clock.Elapsed.TotalSeconds:F1} s"));
        return null;
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
