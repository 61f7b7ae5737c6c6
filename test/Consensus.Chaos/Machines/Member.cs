using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace Consensus.Chaos.Machines;

/// <summary>One member: a process, or none at the moment, with its data, its address and the clock on its wall.</summary>
internal sealed class Member
{
    private const string FakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    private const int KeptOutput = 200_000;

    private readonly string[] _within;
    private readonly string[] _arguments;
    private readonly StringBuilder _output = new();
    private Process? _process;

    public Member(string name, string host, int clientPort, string directory, string[] within, string[] arguments)
    {
        (Name, Url, Data, _within, _arguments) = (name, $"http://{host}:{clientPort}", Path.Combine(directory, name), within, arguments);
        Directory.CreateDirectory(Data);
        WallClock = Path.Combine(directory, $"{name}.clock");
        File.WriteAllText(WallClock, "+0");
    }

    public string Name { get; }

    public string Url { get; }

    public string Data { get; }

    public static bool CanChangeWallClock => File.Exists(FakeTime);

    public bool IsUp => _process is { HasExited: false };

    /// <summary>Stopped, as a machine that hangs.</summary>
    public bool IsFrozen { get; private set; }

    private string WallClock { get; }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public void Start()
    {
        if (IsUp)
        {
            return;
        }
        _process?.Dispose();
        var server = typeof(Member).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "ServerDirectory").Value!;
        string[] line = [.. _within, Path.Combine(server, "consensusd"), .. _arguments];
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (CanChangeWallClock)
        {
            start.Environment["LD_PRELOAD"] = FakeTime;
            start.Environment["FAKETIME_TIMESTAMP_FILE"] = WallClock;
            start.Environment["FAKETIME_NO_CACHE"] = "1";
            // Only the wall's clock jumps: monotonic clocks do not.
            start.Environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
        }
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        IsFrozen = false;
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        if (IsUp)
        {
            _process!.Kill();
            _process.WaitForExit();
        }
        IsFrozen = false;
    }

    public void Freeze()
    {
        if (IsUp && !IsFrozen)
        {
            Signal(19);
            IsFrozen = true;
        }
    }

    public void Thaw()
    {
        if (IsUp && IsFrozen)
        {
            Signal(18);
        }
        IsFrozen = false;
    }

    /// <summary>A clean stop; false when it took longer than the limit.</summary>
    public async Task<bool> StopAsync(TimeSpan limit)
    {
        if (!IsUp)
        {
            return true;
        }
        Thaw();
        Signal(15);
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            await _process!.WaitForExitAsync(deadline.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            Kill();
            return false;
        }
    }

    public void JumpWallClock(long seconds) => File.WriteAllText(WallClock, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{seconds:+0;-0}"));

    /// <summary>`ip netns exec` becomes the server, so the id is the server's own.</summary>
    private void Signal(int signal) => _ = SendSignal(_process!.Id, signal);

    private void Keep(string? line)
    {
        lock (_output)
        {
            if (_output.Length > KeptOutput)
            {
                _output.Remove(0, KeptOutput / 2);
            }
            _output.AppendLine(line);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int process, int signal);
}
