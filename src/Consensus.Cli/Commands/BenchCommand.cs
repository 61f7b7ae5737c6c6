using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Consensus.Api;
using Consensus.Cli.Bench;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>bench</c>: how much the cluster does, and how long each thing takes.</summary>
internal static class BenchCommand
{
    private const int MaxClients = 1_000, MaxKeys = 100_000;

    public static Command Create(CommandHost host)
    {
        var clients = Number("--clients", 16, MaxClients, "How many ask at a time, each for one thing after the other.");
        var keys = Number("--keys", 1_000, MaxKeys, "How many keys are written and read.");
        var values = Sizes.Option("--values", ApiLimits.MaxValueBytes, "How large the values are (100).");
        var workload = new Option<Workload>("--workload")
        {
            Description = "put, cas (each client a key of its own), get (linearizable), lock (acquire and release), or mixed (80 % get, 10 % put, 5 % cas, 5 % lock). Default put.",
            HelpName = "put|cas|get|lock|mixed",
        };
        workload.AcceptOnlyFromAmong("put", "cas", "get", "lock", "mixed");
        var duration = Durations.Option("--duration", "How long (10s).");
        var command = new Command("bench", "Loads the cluster for a while, and shows throughput and latencies. Removes what it wrote.")
        {
            clients, values, workload, duration, keys,
        };
        host.Bind(
            command,
            (parsed, session) => RunAsync(session, new BenchPlan(
                parsed.GetValue(workload),
                parsed.GetValue(clients),
                (int)(parsed.GetValue(values) ?? 100),
                parsed.GetValue(keys),
                parsed.GetValue(duration) ?? TimeSpan.FromSeconds(10))),
            parsed => parsed.GetValue(duration) is { Ticks: 0 } ? "--duration is longer than nothing." : null);
        return command;
    }

    private static Option<int> Number(string name, int usual, int most, string description) => new(name)
    {
        Description = string.Create(CultureInfo.InvariantCulture, $"{description} Default {usual}."),
        HelpName = "N",
        DefaultValueFactory = _ => usual,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 0 ? "" : result.Tokens[0].Value;
            if (result.Tokens.Count == 0)
            {
                return usual;
            }
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most)
            {
                return number;
            }
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} needs a number from 1 to {most}, not '{text}'."));
            return usual;
        },
    };

    private static async Task<int> RunAsync(CommandSession session, BenchPlan plan)
    {
        using var progress = new ProgressLine(session.Environment);
        var (result, leftBehind) = await BenchRun.RunAsync(plan, session.Options, progress, session.Environment.Clock, session.Cancellation);
        progress.Dispose();
        if (leftBehind is not null)
        {
            await session.Environment.Error.WriteLineAsync(
                $"consensusctl: what was written could not be removed ({Plain.OneLine(leftBehind.Detail).TrimEnd('.')}): consensusctl kv delete --prefix {plan.Prefix}");
        }
        if (result.Failures > 0)
        {
            await session.Environment.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"consensusctl: {result.Failures:N0} operations failed, the first with: {Plain.OneLine(result.FirstFailure!)}"));
        }
        if (result.Latency.Count > 0)
        {
            Show(session, result);
        }
        return result.Latency.Count == 0 || leftBehind is not null ? ExitCode.Unreachable : ExitCode.Done;
    }

    private static void Show(CommandSession session, BenchResult result)
    {
        if (session.Format == OutputFormat.Json)
        {
            session.WriteJson(ToJson(result).ToJsonString());
            return;
        }
        var (plan, latency, corrected) = (result.Plan, result.Latency, result.Latency.Correct());
        string Ms(double share) => HistogramPicture.Milliseconds(corrected.At(share));
        new TextTable("WORKLOAD", "CLIENTS", "SECONDS", "OPERATIONS", "PER SECOND", "FAILED", "MEAN MS", "P50 MS", "P90 MS", "P99 MS", "P99.9 MS", "MAX MS")
            .Add(
                plan.Workload.ToString().ToLowerInvariant(),
                Plain.Number(plan.Clients),
                result.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture),
                Plain.Number(latency.Count),
                result.PerSecond.ToString("0", CultureInfo.InvariantCulture),
                Plain.Number(result.Failures),
                HistogramPicture.Milliseconds(latency.Mean),
                HistogramPicture.Milliseconds(latency.Percentile(0.5)),
                Ms(0.9),
                Ms(0.99),
                Ms(0.999),
                HistogramPicture.Milliseconds(latency.Max))
            .Write(session.Environment);
        if (session.Environment.OutputIsTerminal)
        {
            foreach (var line in HistogramPicture.Draw(latency))
            {
                session.Environment.Output.WriteLine(line);
            }
        }
    }

    private static JsonObject ToJson(BenchResult result)
    {
        var (latency, corrected) = (result.Latency, result.Latency.Correct());
        double Ms(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);
        return new JsonObject
        {
            ["workload"] = result.Plan.Workload.ToString().ToLowerInvariant(),
            ["clients"] = result.Plan.Clients,
            ["valueBytes"] = result.Plan.ValueBytes,
            ["keys"] = result.Plan.Keys,
            ["durationMs"] = (long)result.Elapsed.TotalMilliseconds,
            ["operations"] = latency.Count,
            ["operationsPerSecond"] = Math.Round(result.PerSecond, 1),
            ["failures"] = result.Failures,
            ["firstFailure"] = result.FirstFailure,
            ["latencyMs"] = new JsonObject
            {
                ["min"] = Ms(latency.Min),
                ["mean"] = Ms(latency.Mean),
                ["p50"] = Ms(latency.Percentile(0.5)),
                ["p90"] = Ms(corrected.At(0.9)),
                ["p99"] = Ms(corrected.At(0.99)),
                ["p999"] = Ms(corrected.At(0.999)),
                ["max"] = Ms(latency.Max),
            },
            ["sentLatencyMs"] = new JsonObject
            {
                ["p90"] = Ms(latency.Percentile(0.9)),
                ["p99"] = Ms(latency.Percentile(0.99)),
                ["p999"] = Ms(latency.Percentile(0.999)),
            },
            ["histogram"] = new JsonArray([.. HistogramPicture.Ranges(latency).Select(range => (JsonNode)new JsonObject
            {
                ["fromMs"] = Ms(range.From),
                ["toMs"] = Ms(range.To),
                ["count"] = range.Count,
            })]),
        };
    }
}
