using System.Runtime.InteropServices;

namespace Consensus.Client;

/// <summary>
/// System time whose timestamps go on while the machine sleeps (Linux: CLOCK_BOOTTIME): the clock of a holder, for the cluster's goes on too (rule 3). Where the
/// system has no such clock, timestamps are those of <see cref="TimeProvider.System"/>; Windows' count sleep, macOS's do not.
/// </summary>
public sealed partial class BootTimeProvider : TimeProvider
{
    private const int ClockBootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private static readonly bool IsThere = OperatingSystem.IsLinux() && Environment.Is64BitProcess && TryRead(out _);

    private BootTimeProvider()
    {
    }

    /// <summary>The one clock.</summary>
    public static BootTimeProvider Instance { get; } = new();

    /// <inheritdoc/>
    public override long TimestampFrequency => IsThere ? NanosecondsPerSecond : System.TimestampFrequency;

    /// <inheritdoc/>
    public override long GetTimestamp() => IsThere && TryRead(out var nanoseconds) ? nanoseconds : System.GetTimestamp();

    private static bool TryRead(out long nanoseconds)
    {
        try
        {
            var done = ClockGetTime(ClockBootTime, out var time) == 0;
            nanoseconds = checked((time.Seconds * NanosecondsPerSecond) + time.Nanoseconds);
            return done;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            nanoseconds = 0;
            return false;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);
}
