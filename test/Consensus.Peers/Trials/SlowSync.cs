using System.Diagnostics;

namespace Consensus.Peers.Trials;

/// <summary><c>slow_sync.c</c>, compiled: a library to preload that delays the flushes of a process while a file is there.</summary>
internal sealed class SlowSync
{
    private const string Milliseconds = "50";

    private readonly string _library;

    private SlowSync(string library) => _library = library;

    /// <summary>Null, and a sentence, where there is no compiler.</summary>
    public static SlowSync? TryCompile(TextWriter output)
    {
        var source = Path.Combine(AppContext.BaseDirectory, "Trials", "slow_sync.c");
        var library = Path.Combine(AppContext.BaseDirectory, "slow_sync.so");
        foreach (var compiler in (string[])["cc", "clang", "gcc"])
        {
            try
            {
                using var compiling = Process.Start(compiler, ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
                compiling.WaitForExit();
                if (compiling.ExitCode == 0)
                {
                    return new SlowSync(library);
                }
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // There is no such program.
            }
        }
        output.WriteLine("SKIPPED: no trial with slow flushes, for there is no C compiler (cc, clang or gcc) that makes slow_sync.so");
        return null;
    }

    public IReadOnlyDictionary<string, string> EnvironmentOf(string flag) => new Dictionary<string, string>
    {
        ["LD_PRELOAD"] = _library,
        ["SLOW_SYNC_FLAG"] = flag,
        ["SLOW_SYNC_MS"] = Milliseconds,
    };
}
