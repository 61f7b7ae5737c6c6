using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Consensus.Cli.Tests.Support;

/// <summary>The program as a real process, for what only a process can show: signals, process groups, exit codes.</summary>
internal sealed partial class CliProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigUsr1 = 10;
    public const int SigCont = 18;
    public const int SigStop = 19;

    private readonly Process _process;
    private readonly StringBuilder _soFar = new();
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    public CliProcess(Uri endpoint, params string[] arguments)
        : this([endpoint], arguments)
    {
    }

    public CliProcess(IEnumerable<Uri> endpoints, params string[] arguments)
        : this(endpoints, null, arguments)
    {
    }

    private CliProcess(IEnumerable<Uri> endpoints, string? script, IReadOnlyList<string> arguments)
    {
        string[] program = [Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet", Path.Combine(AppContext.BaseDirectory, "consensusctl.dll")];
        string[] words = script is null ? [.. program, .. arguments] : ["/bin/sh", "-c", script, "sh", .. program, .. arguments];
        var start = new ProcessStartInfo(words[0], words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CONSENSUS_ENDPOINTS"] = string.Join(',', endpoints);
        _process = Interruptible.Start(start);
        if (script is null)
        {
            _process.StandardInput.Close();
        }
        _output = ReadOutputAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>
    /// The program as a shell starts it, for descriptors and bytes that only a shell can give: <c>"$@"</c> is the program with its arguments, and <c>exec "$@" &gt; /dev/full</c> makes
    /// the shell's process the program's. Standard input stays open until the process is disposed of.
    /// </summary>
    public static CliProcess InShell(Uri endpoint, string script, params string[] arguments) => new([endpoint], script, arguments);

    /// <summary>What it has written up to now.</summary>
    public string OutputSoFar
    {
        get
        {
            lock (_soFar)
            {
                return _soFar.ToString();
            }
        }
    }

    public bool HasEnded => _process.HasExited;

    public int Id => _process.Id;

    /// <summary>Nobody reads its output any more.</summary>
    public void CloseOutput() => _process.StandardOutput.BaseStream.Close();

    /// <summary>Writes to the standard input of a shell.</summary>
    public async Task TellAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    public void Signal(int signal) => Assert.That(Kill(_process.Id, signal), Is.Zero, "the program is not running");

    public async Task<CliRun> EndAsync()
    {
        using var deadline = Patience.Begin();
        await _process.WaitForExitAsync(deadline.Token);
        return new CliRun(_process.ExitCode, await _output, await _error);
    }

    public static bool IsAlive(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')')..].Split(' ')[1] is not ("Z" or "X");
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Leaves nothing running of what a test that failed left behind.</summary>
    public static void KillGroupOf(int pid)
    {
        if (IsAlive(pid))
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            _ = Kill(-int.Parse(stat[stat.LastIndexOf(')')..].Split(' ')[3], CultureInfo.InvariantCulture), SigKill);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    private async Task<string> ReadOutputAsync()
    {
        var buffer = new char[4096];
        try
        {
            while (await _process.StandardOutput.ReadAsync(buffer) is > 0 and var read)
            {
                lock (_soFar)
                {
                    _soFar.Append(buffer, 0, read);
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // CloseOutput.
        }
        return OutputSoFar;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
