using System.Diagnostics;
using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Chaos.Machines;
using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;

namespace Consensus.Chaos.Runs;

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
                (report.StatesCompared, report.ClientResets) = (states.Compared, cluster.ClientResets);
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
        cluster.UpdateDoors();
        var record = new Record(await PresentRevisionAsync(cluster, report.Rounds));
        using var crowd = new Crowd(record, cluster, options, report.Rounds, _random.NextUInt64());
        using var nemesis = new ProcessNemesis(cluster, _random.NextUInt64());
        using var stopFaults = new CancellationTokenSource(options.Round);
        using var stopClients = new CancellationTokenSource();
        using var stopWatches = new CancellationTokenSource();
        var watching = crowd.Watchers.Select(watcher => Task.Run(() => watcher.RunAsync(stopWatches.Token))).ToList();
        var running = crowd.Askers.Select(client => Task.Run(() => client.RunAsync(stopClients.Token))).ToList();
        var looking = Task.Run(() => states.RunAsync(stopClients.Token));
        await nemesis.RunAsync(stopFaults.Token);
        cluster.Heal();
        await nemesis.FinishAsync(ProgressWithin);
        await UntilAllAreAnsweredAsync(cluster, crowd.Askers, [.. running, .. watching]);
        await stopClients.CancelAsync();
        await Task.WhenAll([.. running, looking]);
        await new Afterwards(record, crowd.Reader, crowd.Watchers, ProgressWithin).RunAsync();
        await stopWatches.CancelAsync();
        await Task.WhenAll(watching);
        await states.UntilAllAreAtOneIndexAsync(ProgressWithin);
        record.Check();
        report.Add(record, crowd, nemesis.Injected);
    }

    /// <summary>What is written from here on belongs to the round.</summary>
    private async Task<Revision> PresentRevisionAsync(ChaosCluster cluster, int round)
    {
        using var client = new ChaosClient(new Record(Revision.Initial), () => cluster.Doors, 0, round, _random.NextUInt64());
        var since = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(since) < ProgressWithin)
        {
            if ((await client.AskAsync(OperationKind.ReadLock, "nobody's")).Seen is { } seen)
            {
                return new Revision(seen.ViewRevision);
            }
        }
        throw new SimulationFailureException("progress", string.Create(CultureInfo.InvariantCulture, $"nobody answers within {ProgressWithin.TotalSeconds} s of the beginning of a round"));
    }

    private static async Task UntilAllAreAnsweredAsync(ChaosCluster cluster, IReadOnlyList<IAsker> clients, List<Task> running)
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
