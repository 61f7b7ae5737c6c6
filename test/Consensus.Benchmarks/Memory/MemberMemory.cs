namespace Consensus.Benchmarks.Memory;

/// <summary>Memory of one process in bytes (proc_pid_status(5)).</summary>
/// <param name="Resident">VmRSS: all of its pages that are in memory, those of mapped files too.</param>
/// <param name="Anonymous">RssAnon: of these, what the kernel cannot take back by dropping pages of a file.</param>
/// <param name="Peak">VmHWM: the most that was ever resident.</param>
internal sealed record MemberMemory(long Resident, long Anonymous, long Peak)
{
    /// <summary>Reads the lines <c>VmRSS</c>, <c>RssAnon</c> and <c>VmHWM</c>, which count in KiB.</summary>
    public static MemberMemory Parse(string status)
    {
        long Bytes(string name)
        {
            var line = status.Split('\n').First(text => text.StartsWith(name + ":", StringComparison.Ordinal));
            var number = line.AsSpan(name.Length + 1).Trim().TrimEnd("kB").Trim();
            return 1024 * long.Parse(number, System.Globalization.CultureInfo.InvariantCulture);
        }

        return new MemberMemory(Bytes("VmRSS"), Bytes("RssAnon"), Bytes("VmHWM"));
    }
}
