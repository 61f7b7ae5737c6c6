using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Consensus.Simulation.Runs;

namespace Consensus.Simulation.Commands;

/// <summary>The program behind <c>scripts/simulate</c>: seeds one after the other, progress to one writer and findings to the other.</summary>
internal sealed class Simulate(SimulateOptions options, TextWriter output, TextWriter progress)
{
    private const int TraceLinesOfAFailure = 60;
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShrinkFor = TimeSpan.FromSeconds(60);

    private readonly Totals _totals = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _said;

    /// <summary>0 when every promise was kept, 1 when a seed failed.</summary>
    public int Run()
    {
        var first = options.Seed ?? (ulong)(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000);
        var seeds = options.Seeds ?? (options.Seed is not null && options.Time is null ? 1 : long.MaxValue);
        var time = options.Time ?? (seeds == long.MaxValue ? TimeSpan.FromMinutes(1) : TimeSpan.MaxValue);
        for (var i = 0L; i < seeds && (i == 0 || _clock.Elapsed < time); i++)
        {
            var seed = first + (ulong)i;
            if (!RunOne(seed) && !options.KeepsGoing)
            {
                break;
            }
            SayProgress(seed);
        }
        output.Write(_totals.Text(_clock.Elapsed));
        return _totals.Failed == 0 ? 0 : 1;
    }

    private bool RunOne(ulong seed)
    {
        var drawn = SimulationPlan.Draw(seed);
        var began = _clock.Elapsed;
        var result = RunResult.Of(Traced(drawn.Reduce(options.Reduction), options.TraceLines), trace: WriteTrace);
        _totals.Add(result);
        if (options.IsVerbose)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"seed {seed}: {drawn.Cluster.Nodes} nodes, {result.VirtualMicros / 1e6:F0} s virtual in {(_clock.Elapsed - began).TotalMilliseconds:F0} ms, {result.Events} events, {result.Operations} operations, {result.Entries} entries, {result.Elections} elections{(result.Undecided > 0 ? $", {result.Undecided} undecided" : "")}, trace {result.Trace}{(result.Failure is null ? "" : ": FAILED")}"));
        }
        if (result.Failure is null)
        {
            return true;
        }
        var (reduction, least) = (options.Reduction, result);
        if (!options.KeepsGoing)
        {
            progress.WriteLine($"seed {seed} failed ({result.Failure.Message}); looking for less that fails");
            (reduction, least) = new Shrinker(drawn, ShrinkFor, progress.WriteLine).Shrink(options.Reduction, result);
            if (options.TraceLines == 0)
            {
                RunResult.Of(Traced(drawn.Reduce(reduction), TraceLinesOfAFailure), trace: WriteTrace);
            }
        }
        Explain(seed, reduction, result, least);
        return false;
    }

    private void Explain(ulong seed, Reduction reduction, RunResult result, RunResult least)
    {
        output.WriteLine($"FAILED seed {seed} at commit {Commit()}");
        output.WriteLine($"  {result.Failure!.Message}");
        if (least != result)
        {
            output.WriteLine($"  with less in it ({least.Events} of {result.Events} events): {least.Failure!.Message}");
        }
        if (least.Failure!.InnerException is { } inner)
        {
            output.WriteLine(inner.ToString());
        }
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {least.Plan.Cluster.Nodes} nodes, {least.Plan.Clients.Clients} clients, injected {string.Join(", ", least.Injected.Select(i => $"{i.Key} {i.Value}"))}"));
        output.WriteLine($"  replay: scripts/simulate --seed {seed} {reduction}".TrimEnd() + " --trace 1000");
    }

    private void WriteTrace(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            output.WriteLine(line);
        }
    }

    private void SayProgress(ulong seed)
    {
        if (_clock.Elapsed - _said >= SayEvery)
        {
            _said = _clock.Elapsed;
            progress.WriteLine($"{_totals.Rate(_clock.Elapsed)}; at seed {seed}");
        }
    }

    private static SimulationPlan Traced(SimulationPlan plan, int lines) => plan with { Cluster = plan.Cluster with { TraceLines = lines } };

    private static string Commit()
    {
        try
        {
            return $"{Git("rev-parse HEAD")}{(Git("status --porcelain --untracked-files=no").Length > 0 ? " with local changes" : "")}";
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return "unknown (no git)";
        }
    }

    private static string Git(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("git", command)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = AppContext.BaseDirectory,
        })!;
        var answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? answer.Trim() : throw new InvalidOperationException("git failed");
    }
}
