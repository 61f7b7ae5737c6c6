using System.Globalization;

namespace Consensus.Cli.LockRun;

/// <summary>A process as the kernel lists it in /proc (proc_pid_stat(5)).</summary>
/// <param name="State">One letter; Z is a zombie, which has done its last and waits for its parent to be told.</param>
internal readonly record struct ProcessEntry(int Pid, char State, int Parent, int Group)
{
    public bool HasEnded => State is 'Z' or 'X';

    /// <summary>All processes that this one can see, as far as they are still there when they are looked at.</summary>
    public static IEnumerable<ProcessEntry> All()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Read(pid) is { } entry)
            {
                yield return entry;
            }
        }
    }

    private static ProcessEntry? Read(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        // "pid (name) state ppid pgrp …"; the name may hold blanks and brackets.
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 2 && Number(fields[1]) is { } parent && Number(fields[2]) is { } group
            ? new ProcessEntry(pid, fields[0][0], parent, group)
            : null;
    }

    private static int? Number(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
