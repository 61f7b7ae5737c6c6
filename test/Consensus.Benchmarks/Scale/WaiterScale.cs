using System.Globalization;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;
using Consensus.Benchmarks.Workloads.Consensusd;

namespace Consensus.Benchmarks.Scale;

/// <summary>
/// Many clients in the queue of one lock, each with a connection of its own: do they come in their order, and does a hand-over cost more than with few in line?
/// </summary>
internal sealed class WaiterScale(LocalCluster cluster, int count)
{
    private const int Few = 16;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(15);
    private int _runs;

    public IEnumerable<ScaleFinding> Run()
    {
        var few = Measure(Few);
        var many = Measure(count);
        yield return new ScaleFinding("waiters", $"hand-overs a second, {Few} clients", few.Rate);
        yield return new ScaleFinding("waiters", $"hand-overs a second, {count} clients", many.Rate);
        yield return new ScaleFinding("waiters", $"CPU us per hand-over, {Few} clients", few.Cpu);
        yield return new ScaleFinding("waiters", $"CPU us per hand-over, {count} clients", many.Cpu, "as with few");
        yield return new ScaleFinding("waiters", "of the first in line, served in another order", many.OutOfOrder, "0");
        yield return new ScaleFinding("waiters", "of the first in line, compared", many.Compared);
        yield return new ScaleFinding("waiters", "largest member's RSS, MiB", cluster.LargestResidentBytes() / (1024.0 * 1024.0));
    }

    private (double Rate, double Cpu, int OutOfOrder, int Compared) Measure(int clients)
    {
        var witness = new HolderWitness();
        var order = new List<string>();
        var run = string.Create(CultureInfo.InvariantCulture, $"scale-{++_runs}");
        var scripts = Enumerable.Range(0, clients)
            .Select(index =>
            {
                var seat = new ClientSeat(cluster.Hosts[index % cluster.Hosts.Count], index, run, witness);
                return (IClientScript)new ConsensusLockScript(seat, $"/v1/locks/bench/{run}/shared", wait: "300s", witness) { Granted = order.Add };
            })
            .ToList();
        var cpuBefore = TimeSpan.Zero;
        var cpu = TimeSpan.Zero;
        List<string> line = [];
        var servedBefore = 0;
        using var generator = new LoadGenerator(cluster.Endpoints, scripts);
        var result = generator.Run(
            WarmUp,
            Window,
            () =>
            {
                cpuBefore = cluster.CpuTime();
                servedBefore = order.Count;
                line = FirstInLine($"bench/{run}/shared");
            },
            () => cpu = cluster.CpuTime() - cpuBefore);
        if (result.Errors > 0)
        {
            throw new BenchException($"waiters: {result.Errors} errors; {result.FirstError}");
        }

        Progress.Say(string.Create(CultureInfo.InvariantCulture, $"waiters: {clients} clients, {result.Operations / result.Window.TotalSeconds:0} hand-overs a second"));
        var (wrong, compared) = Compare(line, order.Skip(servedBefore).ToList());
        return (result.Operations / result.Window.TotalSeconds, cpu.TotalMicroseconds / Math.Max(1, result.Operations), wrong, compared);
    }

    private List<string> FirstInLine(string name) =>
        ControlClient.TryGetJson($"http://{cluster.Hosts[0]}/v1/locks/{name}") is { } shown
            ? [.. shown.GetProperty("waiters").EnumerateArray().Select(waiter => waiter.GetProperty("owner").GetString()!)]
            : throw new BenchException("waiters: the lock could not be shown");

    /// <summary>From the first one in line on, those who stood in line are to be served one after another.</summary>
    private static (int Wrong, int Compared) Compare(List<string> line, List<string> served)
    {
        var start = line.Count > 0 ? served.IndexOf(line[0]) : -1;
        if (start < 0)
        {
            return (0, 0);
        }

        var compared = Math.Min(line.Count, served.Count - start);
        return (Enumerable.Range(0, compared).Count(i => served[start + i] != line[i]), compared);
    }
}
