using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Consensus.Benchmarks.Bulk;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Failover;
using Consensus.Benchmarks.Library;
using Consensus.Benchmarks.Limits;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Memory;
using Consensus.Benchmarks.Restart;
using Consensus.Benchmarks.Saturation;
using Consensus.Benchmarks.Scale;
using Consensus.Benchmarks.Streams;
using Consensus.Benchmarks.Vary;
using Consensus.Benchmarks.Verify;
using Consensus.Benchmarks.Watch;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks;

/// <summary>The program behind <c>scripts/bench</c>. All of it runs on the main thread: see <see cref="ServerProcess"/>.</summary>
internal static class Program
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int Misused = 2;

    public static int Main(string[] arguments)
    {
        if (arguments is [EmptyEndpoint.Command, var port])
        {
            EmptyEndpoint.Serve(int.Parse(port, CultureInfo.InvariantCulture));
            return Done;
        }

        if (arguments is [PoolProgram.Command, var task])
        {
            PoolProgram.Run(task);
            return Done;
        }

        if (arguments.Any(argument => argument is "--help" or "-h"))
        {
            Console.WriteLine(BenchOptions.Usage);
            return Done;
        }

        BenchOptions options;
        try
        {
            options = WithInstalledSystems(BenchOptions.Parse(arguments));
        }
        catch (BenchException exception)
        {
            Console.Error.WriteLine($"bench: {exception.Message}");
            return Misused;
        }

        using var directory = new RunDirectory(options.WorkDirectory);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => End(directory, 130));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => End(directory, 143));
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => End(directory, 129));
        try
        {
            if (options.Mode == BenchMode.Verify)
            {
                using var cluster = new ClusterFactory(options, directory.FullPath).Create("consensus");
                return new FlushVerification(cluster, directory.FullPath).Run() == false ? Failed : Done;
            }

            Run(options, directory.FullPath);
            return Done;
        }
        catch (Exception exception) when (exception is BenchException or SocketException or IOException or Win32Exception)
        {
            Console.Error.WriteLine($"bench: {exception.Message}");
            return Failed;
        }
        finally
        {
            ServerProcess.KillAll();
        }
    }

    private static void Run(BenchOptions options, string directory)
    {
        var results = new RawResults(
            DateTimeOffset.Now,
            Environment.ProcessorCount,
            RuntimeInformation.OSDescription,
            RuntimeInformation.FrameworkDescription,
            SystemVersions.Of(options));
        KeySpace.UseValuesOf(options.ValueBytes);
        if (options.Limits)
        {
            results = results with
            {
                EmptyEndpoint = [.. EmptyEndpoint.Measure(options, directory)],
                DiskFlush = DiskFlush.Measure(directory, TimeSpan.FromSeconds(Math.Min(3, options.Seconds))),
            };
        }

        var factory = new ClusterFactory(options, directory);
        results = options.Mode switch
        {
            BenchMode.Load => results with { Load = new LoadRun(options, factory).Run() },
            BenchMode.Failover => results with { Failover = new FailoverRun(options, factory).Run() },
            BenchMode.Scale => results with { Scale = new ScaleRun(options, factory).Run() },
            BenchMode.Saturation => results with { Load = new SaturationRun(options, factory).Run() },
            BenchMode.Vary => results with { Load = new VaryRun(options, directory).Run() },
            BenchMode.Watch => results with { Watch = new WatchRun(options, factory).Run() },
            BenchMode.Bulk => results with { Bulk = new BulkRun(options, factory).Run() },
            BenchMode.Restart => results with { Restart = new RestartRun(options, factory).Run() },
            BenchMode.Client => new LibraryRun(options, factory, directory).Run(results),
            BenchMode.Streams => results with { Streams = new StreamsRun(options, factory).Run() },
            BenchMode.Memory => results with { Memory = new MemoryRun(options, factory).Run() },
            _ => throw new ArgumentOutOfRangeException(nameof(options)),
        };
        Console.WriteLine(RunReport.Write(options, results));
        if (results.Load.Count > 0 && options.Charts is { } charts)
        {
            LoadCharts.Write(charts, results.Load, options.Systems);
        }

        if (options.JsonFile is { } file)
        {
            results.WriteTo(file);
        }
    }

    /// <summary>Leaves etcd and ZooKeeper out, aloud, where they are not installed; anything else that is missing is a mistake.</summary>
    private static BenchOptions WithInstalledSystems(BenchOptions options)
    {
        if (options.Systems.Contains(ClusterFactory.Before) && !File.Exists(options.Before))
        {
            throw new BenchException($"there is no server at {options.Before}");
        }

        if (options.Systems.Any(system => system == "consensus" || ClusterFactory.IsForLoad(system)) && !File.Exists(options.Server))
        {
            throw new BenchException($"there is no server at {options.Server}; make it with: dotnet publish -c Release src/Consensus.Server -o artifacts/consensusd");
        }

        if (options.Systems.Any(system => system is DotNextCluster.AsShipped or DotNextCluster.Flushed) && !File.Exists(options.DotNext))
        {
            const string Command = "dotnet publish -c Release test/Consensus.Peers -o artifacts/dotnextd";
            throw new BenchException($"there is no server at {options.DotNext}; make it with: {Command}");
        }

        var installed = Unless(File.Exists(options.Etcd), options, "etcd", options.Etcd, "etcd-server");
        installed = Unless(File.Exists(options.ZooKeeper), installed, "zookeeper", options.ZooKeeper, "zookeeper default-jre-headless");
        return installed.Systems.Count > 0 ? installed : throw new BenchException("no system is left to measure");
    }

    private static BenchOptions Unless(bool isInstalled, BenchOptions options, string system, string path, string packages)
    {
        if (isInstalled || !options.Systems.Contains(system))
        {
            return options;
        }

        Progress.Say($"SKIPPED: {system} is not measured, because there is no {path} (Debian: apt-get install {packages})");
        return options.Without(system);
    }

    private static void End(RunDirectory directory, int exitCode)
    {
        ServerProcess.KillAll();
        directory.Dispose();
        Environment.Exit(exitCode);
    }
}
