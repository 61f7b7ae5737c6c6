using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace Consensus.Chaos.Machines;

/// <summary>Where a member lives: the number of its network namespace and of its directory. One member at a time.</summary>
/// <param name="Directory">Of the place; the member's own is in it, named after it.</param>
/// <param name="Within">What is put in front of the command line.</param>
internal sealed record Place(int Slot, string Host, int ClientPort, int PeerPort, string Directory, string[] Within)
{
    public string PeerAddress => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Host}:{PeerPort}");

    public string ClientAddress => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Host}:{ClientPort}");
}

/// <summary>
/// One member: a process, or none at the moment, with its data, its address and the clock on its wall. Faults and changes of the membership may meet here: any
/// thread.
/// </summary>
internal sealed class Member
{
    private const string FakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    private const int KeptOutput = 200_000;

    private readonly Lock _gate = new();
    private readonly Place _place;
    private readonly string[] _arguments;
    private readonly string[] _forming;
    private readonly StringBuilder _output = new();
    private Process? _process;
    private bool _isGone;

    /// <param name="forming">Arguments for as long as it is not known to belong to a cluster.</param>
    public Member(string name, Place place, string[] arguments, string[] forming)
    {
        (Name, _place, _arguments, _forming) = (name, place, arguments, forming);
        // Beside its place, which may be a disk that is full.
        WallClock = $"{place.Directory}-{name}.clock";
        File.WriteAllText(WallClock, "+0");
    }

    public string Name { get; }

    public int Slot => _place.Slot;

    public string ClientAddress => _place.ClientAddress;

    public string Url => "http://" + ClientAddress;

    public string PeerAddress => _place.PeerAddress;

    public static bool CanChangeWallClock => File.Exists(FakeTime);

    public bool IsUp
    {
        get
        {
            // A process that is disposed cannot be asked.
            lock (_gate)
            {
                return _process is { HasExited: false };
            }
        }
    }

    /// <summary>Stopped, as a machine that hangs.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>Its directory belongs to a cluster: from now on it is started without the list of the first members.</summary>
    public bool IsFormed { get; set; }

    private string WallClock { get; }

    private string Data => Path.Combine(_place.Directory, Name);

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

    /// <summary>Nothing when it is up, or gone for ever.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (IsUp || _isGone)
            {
                return;
            }
            _process?.Dispose();
            _process = StartProcess();
            IsFrozen = false;
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            if (IsUp)
            {
                _process!.Kill();
                _process.WaitForExit();
            }
            IsFrozen = false;
        }
    }

    /// <summary>kill -9, and it is never started again.</summary>
    /// <param name="withData">Its data is gone too.</param>
    public void End(bool withData)
    {
        lock (_gate)
        {
            _isGone = true;
            Kill();
            if (withData && Directory.Exists(Data))
            {
                Directory.Delete(Data, recursive: true);
            }
        }
    }

    public void Freeze()
    {
        lock (_gate)
        {
            if (IsUp && !IsFrozen)
            {
                Signal(19);
                IsFrozen = true;
            }
        }
    }

    public void Thaw()
    {
        lock (_gate)
        {
            if (IsUp && IsFrozen)
            {
                Signal(18);
            }
            IsFrozen = false;
        }
    }

    /// <summary>A clean stop; false when it took longer than the limit.</summary>
    public async Task<bool> StopAsync(TimeSpan limit)
    {
        lock (_gate)
        {
            if (!IsUp)
            {
                return true;
            }
            Thaw();
            Signal(15);
        }
        if (await HasEndedWithinAsync(limit))
        {
            return true;
        }
        Kill();
        return false;
    }

    public async Task<bool> HasEndedWithinAsync(TimeSpan limit)
    {
        var since = Stopwatch.GetTimestamp();
        while (IsUp && Stopwatch.GetElapsedTime(since) < limit)
        {
            await Task.Delay(20);
        }
        return !IsUp;
    }

    public void JumpWallClock(long seconds) => File.WriteAllText(WallClock, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{seconds:+0;-0}"));

    private Process StartProcess()
    {
        var server = typeof(Member).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "ServerDirectory").Value!;
        string[] line =
        [
            .. _place.Within, Path.Combine(server, "consensusd"),
            "--name", Name, "--data-dir", Data, "--listen-client", _place.ClientAddress, "--listen-peer", _place.PeerAddress,
            .. _arguments, .. IsFormed ? [] : _forming,
        ];
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (CanChangeWallClock)
        {
            start.Environment["LD_PRELOAD"] = FakeTime;
            start.Environment["FAKETIME_TIMESTAMP_FILE"] = WallClock;
            start.Environment["FAKETIME_NO_CACHE"] = "1";
            // Only the wall's clock jumps: monotonic clocks do not.
            start.Environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
        }
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

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
