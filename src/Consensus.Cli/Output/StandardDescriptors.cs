using System.Runtime.InteropServices;

namespace Consensus.Cli.Output;

/// <summary>pollfd of poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollRequest
{
    public int Descriptor;
    public short Events;
    public short Found;
}

/// <summary>
/// Which of standard input, output and error this process was given. One that was closed (<c>&lt;&amp;-</c>) is the first number that the runtime gets for a file of its own: read
/// or written as if it were the caller's, a pipe of the runtime's hangs for ever, or takes what was never meant for it. Linux only; elsewhere all are.
/// </summary>
internal static unsafe partial class StandardDescriptors
{
    public const int Input = 0;
    public const int Output = 1;
    public const int Error = 2;

    private const int GetFlags = 1;
    private const int CloseOnExec = 1;

    private static readonly bool[] Given = [IsInherited(Input), IsInherited(Output), IsInherited(Error)];

    /// <summary>Whether it was open when the program was started.</summary>
    public static bool IsGiven(int descriptor) => !OperatingSystem.IsLinux() || Given[descriptor];

    /// <summary>What comes from the caller came through exec, which closes whatever is marked to be closed by it; the runtime marks all its files so.</summary>
    private static bool IsInherited(int descriptor) => OperatingSystem.IsLinux() && Control(descriptor, GetFlags) is >= 0 and var flags && (flags & CloseOnExec) == 0;

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Poll(PollRequest* requests, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int descriptor, int command);
}
