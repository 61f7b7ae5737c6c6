using System.Diagnostics;
using System.Globalization;
using Consensus.Benchmarks.Memory;

namespace Consensus.Benchmarks.Clusters;

/// <summary>
/// One server process that writes into a log file of its own and never outlives this program: ended by its id on disposal, on a signal
/// (<see cref="KillAll"/>), and, where setpriv(1) is there, by the kernel when the thread that started it ends. So servers are started
/// from the main thread only.
/// </summary>
internal sealed class ServerProcess : IDisposable
{
    private const string SetPrivileges = "/usr/bin/setpriv";
    private static readonly Lock Gate = new();
    private static readonly HashSet<ServerProcess> Living = [];
    private static bool _closing;

    private readonly Process _process;

    private ServerProcess(Process process, string logFile)
    {
        _process = process;
        LogFile = logFile;
    }

    public string LogFile { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static ServerProcess Start(
        string program,
        IEnumerable<string> arguments,
        string logFile,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        // The shell redirects and then becomes the program by exec, so that the id is the program's own.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec \"$@\" >>\"$log\" 2>&1");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(logFile);
        if (File.Exists(SetPrivileges))
        {
            start.ArgumentList.Add(SetPrivileges);
            start.ArgumentList.Add("--pdeathsig");
            start.ArgumentList.Add("KILL");
        }

        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        lock (Gate)
        {
            if (_closing)
            {
                throw new BenchException("the run is being ended");
            }

            var process = Process.Start(start) ?? throw new BenchException($"{program} did not start");
            process.StandardInput.Close();
            var server = new ServerProcess(process, logFile);
            Living.Add(server);
            return server;
        }
    }

    /// <summary>Ends every server that is left, and lets no new one start.</summary>
    public static void KillAll()
    {
        lock (Gate)
        {
            _closing = true;
            foreach (var server in Living)
            {
                server.Kill();
            }
        }
    }

    /// <summary>kill -9; returns without waiting.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It had ended by itself.
        }
    }

    /// <summary>SIGTERM; returns without waiting.</summary>
    public void Stop()
    {
        if (Generator.Libc.Signal(Id, Generator.Libc.Terminate) != 0)
        {
            throw new BenchException($"process {Id} could not be told to stop");
        }
    }

    /// <summary>The last lines of its log, for a message.</summary>
    public string LogTail()
    {
        var lines = File.Exists(LogFile) ? File.ReadAllLines(LogFile) : [];
        return string.Join('\n', lines.TakeLast(15));
    }

    public TimeSpan CpuTime() => CpuTimeOf(Id);

    /// <summary>Processor time of all threads of a process so far, user and system (/proc/PID/stat, proc_pid_stat(5)).</summary>
    public static TimeSpan CpuTimeOf(int id)
    {
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat"));

        // The name in brackets may hold blanks; behind it, state is field 3, utime 14 and stime 15.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds((double)ticks / Generator.Libc.SystemConfiguration(Generator.Libc.ClockTicksPerSecond));
    }

    public MemberMemory Memory() => MemoryOf(Id);

    public static MemberMemory MemoryOf(int id) =>
        MemberMemory.Parse(File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/status")));

    public long ResidentBytes() => Memory().Resident;

    /// <summary>Waits until it has ended by itself; false when it has not within the limit.</summary>
    public bool WaitUntilGone(TimeSpan limit) => _process.WaitForExit(limit);

    public void Dispose()
    {
        Kill();
        _process.WaitForExit(TimeSpan.FromSeconds(10));
        lock (Gate)
        {
            Living.Remove(this);
        }

        _process.Dispose();
    }
}
