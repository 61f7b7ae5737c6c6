using System.Diagnostics;
using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Chaos.Machines;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;

namespace Consensus.Chaos.Runs;

/// <summary>What a run did.</summary>
public sealed class ChaosReport
{
    public int Rounds { get; internal set; }

    public long Operations { get; internal set; }

    public long Unknown { get; internal set; }

    public int Undecided { get; internal set; }

    public long LeasesJudged { get; internal set; }

    /// <summary>Over links that were slow, lossy or narrow.</summary>
    public long PacketsCarried { get; internal set; }

    public long PacketsLost { get; internal set; }

    /// <summary>Segments on rough links that were turned into the end of their connection.</summary>
    public long Resets { get; internal set; }

    /// <summary>How often two members were at one index, and in the same state.</summary>
    public long StatesCompared { get; internal set; }

    public SortedDictionary<string, int> Injected { get; } = new(StringComparer.Ordinal);

    public TimeSpan Took { get; internal set; }

    /// <summary>What this machine does not allow, and so was not tried.</summary>
    public List<string> Skipped { get; } = [];

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Rounds} rounds in {Took.TotalMinutes:0.0} minutes: {Operations} operations, {Unknown} of unknown fate, {LeasesJudged} expired leases judged, {StatesCompared} states compared, {Undecided} histories undecided; "
        + $"{string.Join(", ", Injected.Select(fault => $"{fault.Value} × {fault.Key}"))}; {PacketsCarried} packets carried over rough links, {PacketsLost} lost, {Resets} resets");
}

/// <summary>
/// Rounds against one cluster: faults while clients ask; then everything is healed and every client must be answered; then a last look at every object, and
/// judgement. Each round has keys and locks of its own.
/// </summary>
public sealed class ChaosRun(ChaosOptions options, Action<string> say)
{
    private static readonly TimeSpan ProgressWithin = TimeSpan.FromMinutes(2);

    private readonly DeterministicRandom _random = new(options.Seed);

    /// <exception cref="SimulationFailureException">A promise is broken; data and logs are kept, and the message says where.</exception>
    public async Task<ChaosReport> RunAsync()
    {
        var report = new ChaosReport();
        var started = Stopwatch.GetTimestamp();
        if (Leftovers.Remove(options.Directory) is > 0 and var left)
        {
            say(string.Create(CultureInfo.InvariantCulture, $"removed what {left} runs had left that were killed"));
        }
        using var cluster = new ChaosCluster(options.Nodes, options.Directory);
        using var states = new EqualStates(cluster);
        NoteWhatIsSkipped(cluster, report);
        cluster.Heal();
        try
        {
            do
            {
                report.Rounds++;
                await RunRoundAsync(cluster, states, report);
                if (cluster.Network.Rough is { } rough)
                {
                    (report.PacketsCarried, report.PacketsLost, report.Resets) = (rough.Carried, rough.Lost, rough.Resets);
                }
                report.StatesCompared = states.Compared;
                report.Took = Stopwatch.GetElapsedTime(started);
                say($"round {report.Rounds} is clean; so far {report}");
            }
            while (report.Took.TotalMinutes < options.Minutes);
        }
        catch (Exception failure) when (!cluster.IsDisposed)
        {
            // What is no broken promise is a fault of this program; it too is looked into with data and logs.
            cluster.KeepsFiles = true;
            await File.WriteAllTextAsync(Path.Combine(cluster.Kept, "violation.txt"), failure.ToString());
            throw new SimulationFailureException("chaos", string.Create(
                CultureInfo.InvariantCulture,
                $"seed {options.Seed}, round {report.Rounds}; data, logs and the whole of this are in {cluster.Kept}: {failure.Message.Split('\n')[0]}"), failure);
        }
        return report;
    }

    private async Task RunRoundAsync(ChaosCluster cluster, EqualStates states, ChaosReport report)
    {
        var record = new Record();
        cluster.UpdateUrls();
        var clients = Enumerable.Range(0, options.Clients).Select(i => new ChaosClient(record, () => cluster.Urls, i, report.Rounds, _random.NextUInt64())).ToList();
        using var nemesis = new ProcessNemesis(cluster, _random.NextUInt64());
        using var stopFaults = new CancellationTokenSource(options.Round);
        using var stopClients = new CancellationTokenSource();
        var running = clients.Select(client => Task.Run(() => client.RunAsync(stopClients.Token))).ToList();
        var looking = Task.Run(() => states.RunAsync(stopClients.Token));
        await nemesis.RunAsync(stopFaults.Token);
        cluster.Heal();
        await nemesis.FinishAsync(ProgressWithin);
        await UntilAllAreAnsweredAsync(cluster, clients, running);
        await stopClients.CancelAsync();
        await Task.WhenAll([.. running, looking]);
        foreach (var (name, isLock) in record.Operations.Select(o => (o.Object, o.IsOfLock)).Distinct().ToList())
        {
            await clients[0].ReadAsync(name, isLock);
        }
        clients.ForEach(client => client.Dispose());
        await states.UntilAllAreAtOneIndexAsync(ProgressWithin);
        record.Check();
        Add(report, record, nemesis);
    }

    private static async Task UntilAllAreAnsweredAsync(ChaosCluster cluster, List<ChaosClient> clients, List<Task> running)
    {
        var before = clients.Select(client => client.Answered).ToList();
        var since = Stopwatch.GetTimestamp();
        while (clients.Where((client, i) => client.Answered < before[i] + 2).Any())
        {
            if (running.Find(task => task.IsFaulted) is { } broken)
            {
                await broken;
            }
            if (Stopwatch.GetElapsedTime(since) > ProgressWithin)
            {
                var waiting = clients.Where((client, i) => client.Answered < before[i] + 2).Count();
                throw new SimulationFailureException("progress", string.Create(
                    CultureInfo.InvariantCulture,
                    $"{waiting} clients were not answered within {ProgressWithin.TotalSeconds} s of healing; down: {string.Join(", ", cluster.Members.Where(m => !m.IsUp).Select(m => m.Name))}"));
            }
            await Task.Delay(50);
        }
    }

    private static void Add(ChaosReport report, Record record, ProcessNemesis nemesis)
    {
        report.Operations += record.Operations.Count;
        report.Unknown += record.Operations.Count(o => o.Status == OperationStatus.Unknown);
        report.Undecided += record.Undecided;
        report.LeasesJudged += record.LeasesJudged;
        foreach (var (fault, count) in nemesis.Injected)
        {
            report.Injected[fault] = report.Injected.GetValueOrDefault(fault) + count;
        }
    }

    private void NoteWhatIsSkipped(ChaosCluster cluster, ChaosReport report)
    {
        if (!cluster.Network.IsCuttable)
        {
            report.Skipped.Add("network namespaces are not allowed here: no partitions");
        }
        else if (cluster.Network.Rough is null)
        {
            report.Skipped.Add("no packets may be carried by this process (/dev/net/tun): no slow or lossy links");
        }
        if (!Member.CanChangeWallClock)
        {
            report.Skipped.Add("libfaketime is not installed: no jumps of the wall clock");
        }
        if (!cluster.Disk.IsMounted)
        {
            report.Skipped.Add("nothing may be mounted here: no full disk");
        }
        report.Skipped.ForEach(skipped => say("SKIPPED: " + skipped));
    }
}
