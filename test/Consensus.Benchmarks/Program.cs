using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Failover;
using Consensus.Benchmarks.Limits;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Scale;
using Consensus.Benchmarks.Verify;
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
            if (options.IsVerification)
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
        var started = DateTimeOffset.Now;
        KeySpace.UseValuesOf(options.ValueBytes);
        var factory = new ClusterFactory(options, directory);
        var limits = options.Limits ? EmptyEndpoint.Measure(options, directory).ToList() : [];
        var disk = options.Limits ? DiskFlush.Measure(directory, TimeSpan.FromSeconds(Math.Min(3, options.Seconds))) : null;
        if (options.IsScale)
        {
            Console.WriteLine(ScaleRun.Report(new ScaleRun(options, factory).Run()));
            return;
        }

        var load = options.Failover ? [] : new LoadRun(options, factory).Run();
        var failover = options.Failover ? new FailoverRun(options, factory).Run() : [];

        var etcd = options.Systems.Contains("etcd") ? EtcdVersion(options.Etcd) : null;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{started:yyyy-MM-dd HH:mm}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, "
            + $"{RuntimeInformation.FrameworkDescription}{(etcd is null ? string.Empty : $", etcd {etcd}")}\n"));
        if (load.Count > 0)
        {
            Console.WriteLine(
                $"Members on loopback: {options.Nodes}; durable writes, {options.ValueBytes}-byte values, medians of {options.Rounds} alternate rounds of "
                + string.Create(CultureInfo.InvariantCulture, $"{options.Seconds} s; CPU, RSS, flushes, bytes summed over the members.\n"));
            Console.WriteLine(LoadReport.Write(load, options.Systems));
        }

        if (load.Count > 0 && options.Charts is { } charts)
        {
            LoadCharts.Write(charts, load, options.Systems);
        }

        if (failover.Count > 0)
        {
            Console.WriteLine("From kill -9 of the leader to the next acknowledged write through a survivor.\n");
            Console.WriteLine(FailoverRun.Report(failover));
        }

        if (disk is not null)
        {
            Console.WriteLine("Limits: an empty Kestrel endpoint under the same generator, and 4 KiB writes with fdatasync, one after another.\n");
            Console.WriteLine(LoadReport.Write(limits, []));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"fdatasync: {disk.FlushesPerSecond:0} a second, p50 {disk.P50Ms:0.00} ms, p99 {disk.P99Ms:0.00} ms"));
        }

        if (options.JsonFile is { } file)
        {
            var system = RuntimeInformation.OSDescription;
            var runtime = RuntimeInformation.FrameworkDescription;
            new RawResults(started, Environment.ProcessorCount, system, runtime, etcd, load, failover, limits, disk).WriteTo(file);
        }
    }

    /// <summary>Leaves etcd out, aloud, where it is not installed; anything else that is missing is a mistake.</summary>
    private static BenchOptions WithInstalledSystems(BenchOptions options)
    {
        if (options.Systems.Contains("consensus") && !File.Exists(options.Server))
        {
            throw new BenchException($"there is no server at {options.Server}; build it with: dotnet build -c Release src/Consensus.Server");
        }

        if (!options.Systems.Contains("etcd") || File.Exists(options.Etcd))
        {
            return options;
        }

        Progress.Say($"SKIPPED: etcd is not measured, because there is no {options.Etcd} (Debian: apt-get install etcd-server)");
        var rest = options.Without("etcd");
        return rest.Systems.Count > 0 ? rest : throw new BenchException("no system is left to measure");
    }

    private static string EtcdVersion(string program)
    {
        using var process = Process.Start(new ProcessStartInfo(program, "--version") { RedirectStandardOutput = true })
            ?? throw new BenchException($"{program} did not start");
        var line = process.StandardOutput.ReadToEnd().Split('\n')[0];
        process.WaitForExit();
        return line.Replace("etcd Version:", string.Empty, StringComparison.Ordinal).Trim();
    }

    private static void End(RunDirectory directory, int exitCode)
    {
        ServerProcess.KillAll();
        directory.Dispose();
        Environment.Exit(exitCode);
    }
}
