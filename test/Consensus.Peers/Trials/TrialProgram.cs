using System.Globalization;
using System.Runtime.InteropServices;

namespace Consensus.Peers.Trials;

/// <param name="Found">A promise is broken.</param>
/// <param name="Judgement">Of the history; null where there is none.</param>
/// <param name="Detail">What was counted.</param>
internal readonly record struct TrialResult(bool Found, Judgement? Judgement, string Detail)
{
    public static TrialResult Of(Judgement judgement, string counted) => new(judgement.IsBroken, judgement, $"{counted}; {judgement}");
}

/// <summary>A kind of trial with a system, and what came of it.</summary>
/// <param name="Durability">Trials in which the checker of acknowledged writes saw it.</param>
/// <param name="Linearizability">Trials in which that of linearizability saw it.</param>
/// <param name="Undecided">Trials of which some history was too long a search to decide.</param>
internal sealed record TrialRow(
    string System, string Trial, int Held, int Failed, int Found, int Durability, int Linearizability, int Undecided, string Detail)
{
    /// <summary>Before the first trial.</summary>
    public static TrialRow Of(string system, string trial) => new(system, trial, 0, 0, 0, 0, 0, 0, "");

    public TrialRow With(TrialResult result) => this with
    {
        Held = Held + 1,
        Found = Found + (result.Found ? 1 : 0),
        Durability = Durability + (result.Judgement?.Durability is null ? 0 : 1),
        Linearizability = Linearizability + (result.Judgement?.Linearizability is null ? 0 : 1),
        Undecided = Undecided + (result.Judgement is { Undecided: > 0 } ? 1 : 0),
        Detail = result.Found || Found == 0 ? result.Detail : Detail,
    };
}

/// <summary>
/// <c>scripts/peers</c>: each kind of trial with each system until the fault is found, at most so often; one table at the end.
/// </summary>
internal static class TrialProgram
{
    private const string Usage = """
        usage: scripts/peers [options]      trials that DotNext.Net.Cluster is known to fail, held with it and with consensusd

          --trials N       at most, of each kind with each system; less when the fault is found            (default 10)
          --all            go on after the fault is found
          --systems LIST   of dotnext,dotnext-flushed,consensus                                            (default: all)
          --kinds LIST     of loss,slow,barrier,duplicate                                                  (default: all)
        """;

    private static readonly string[] Kinds = ["loss", "slow", "barrier", Verdict.Duplicate];

    /// <returns>0 when all that was asked for was held and consensusd passed it, 1 when not, 2 for wrong arguments.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        if (arguments.Contains("--help"))
        {
            Console.WriteLine(Usage);
            return 0;
        }
        if (Parse(arguments) is not { } options)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Environment.Exit(130));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(143));
        var slow = options.Kinds.Contains("slow") ? SlowSync.TryCompile(Console.Out) : null;
        var rows = new List<TrialRow>();
        foreach (var kind in options.Kinds)
        {
            if (kind == Verdict.Duplicate)
            {
                var result = await DuplicateTrial.RunAsync();
                Console.WriteLine($"duplicate, the library's log: {result.Detail}");
                rows.Add(TrialRow.Of("dotnext's log", kind).With(result));
            }
            else if (kind != "slow" || slow is not null)
            {
                foreach (var system in options.Systems)
                {
                    rows.Add(await HoldAsync(kind, system, slow, options));
                }
            }
        }
        Print(rows);
        var against = Verdict.Against(rows, options.Kinds, [.. options.Systems.Select(system => system.Name)]);
        foreach (var sentence in against)
        {
            Console.WriteLine($"NOT PASSED: {sentence}");
        }
        return against.Count > 0 ? 1 : 0;
    }

    private static async Task<TrialRow> HoldAsync(string kind, TrialSystem system, SlowSync? slow, TrialOptions options)
    {
        var row = TrialRow.Of(system.Name, kind);
        for (var trial = 1; trial <= options.Trials && (row.Found == 0 || options.All); trial++)
        {
            try
            {
                var result = kind switch
                {
                    "loss" => await LossTrial.RunAsync(system, slow: null),
                    "slow" => await LossTrial.RunAsync(system, slow),
                    _ => await BarrierTrial.RunAsync(system),
                };
                row = row.With(result);
                Console.WriteLine($"{kind}, {system.Name}, trial {trial}: {(result.Found ? "FOUND: " : "")}{result.Detail}");
            }
            catch (TrialFailedException failed)
            {
                row = row with { Failed = row.Failed + 1 };
                Console.WriteLine($"{kind}, {system.Name}, trial {trial}: could not be held: {failed.Message}");
            }
        }
        return row;
    }

    private static void Print(IReadOnlyList<TrialRow> rows)
    {
        Console.WriteLine();
        Console.WriteLine("found: trials in which chaos' checkers saw a broken promise; writes, linear.: in how many of them which checker");
        Console.WriteLine(
            "trial      system           held  not held  found  writes  linear.  undecided  the last that found it, else the last");
        foreach (var row in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Trial,-10} {row.System,-16} {row.Held,4}  {row.Failed,8}  {row.Found,5}  "
                + $"{row.Durability,6}  {row.Linearizability,7}  {row.Undecided,9}  {row.Detail}"));
        }
    }

    private sealed record TrialOptions(int Trials, bool All, IReadOnlyList<TrialSystem> Systems, IReadOnlyList<string> Kinds);

    private static TrialOptions? Parse(IReadOnlyList<string> arguments)
    {
        var options = new TrialOptions(10, false, TrialSystem.All, TrialProgram.Kinds);
        for (var i = 0; i < arguments.Count; i++)
        {
            var value = i + 1 < arguments.Count ? arguments[i + 1] : "";
            switch (arguments[i])
            {
                case "--all":
                    options = options with { All = true };
                    continue;
                case "--trials" when int.TryParse(value, CultureInfo.InvariantCulture, out var trials) && trials > 0:
                    options = options with { Trials = trials };
                    break;
                case "--systems" when value.Split(',').All(name => TrialSystem.All.Any(system => system.Name == name)):
                    options = options with { Systems = [.. TrialSystem.All.Where(system => value.Split(',').Contains(system.Name))] };
                    break;
                case "--kinds" when value.Split(',').All(TrialProgram.Kinds.Contains):
                    options = options with { Kinds = value.Split(',') };
                    break;
                default:
                    return null;
            }
            i++;
        }
        return options;
    }
}
