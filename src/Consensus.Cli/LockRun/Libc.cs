using System.Runtime.InteropServices;

namespace Consensus.Cli.LockRun;

/// <summary>What .NET has no words for: process groups, spawning into one, the terminal's foreground group. Linux's libc.</summary>
internal static unsafe partial class Libc
{
    public const int SigHup = 1;
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigKill = 9;
    public const int SigUsr1 = 10;
    public const int SigUsr2 = 12;
    public const int SigPipe = 13;
    public const int SigTerm = 15;
    public const int SigCont = 18;
    public const int SigTstp = 20;
    public const int SigTtin = 21;
    public const int SigTtou = 22;

    public const nint IgnoreSignal = 1;

    public const int Eintr = 4;
    public const int Enoent = 2;

    public const short SpawnSetProcessGroup = 0x02;
    public const short SpawnSetDefaultSignals = 0x04;
    public const short SpawnSetSignalMask = 0x08;
    public const short SpawnSetSession = 0x80;

    public const int IdTypeAll = 0;
    public const int IdTypePid = 1;
    public const int WaitNoHang = 0x1;
    public const int WaitStopped = 0x2;
    public const int WaitExited = 0x4;
    public const int WaitNoReap = 0x0100_0000;

    public const int ChildExited = 1;
    public const int ChildKilled = 2;
    public const int ChildDumped = 3;
    public const int ChildStopped = 5;

    public const int SignalMaskBlock = 0;
    public const int SignalMaskSet = 2;

    public const int OpenReadWrite = 0x2;
    public const int OpenCloseOnExec = 0x8_0000;
    public const int DuplicateCloseOnExec = 1030;

    public const int ClockBootTime = 7;
    public const int TimerAbsolute = 1;

    public const int GetChildSubreaper = 37;

    private const string Library = "libc";

    /// <summary>More than any of these opaque structures takes (sigset_t 128, posix_spawnattr_t 336, file actions 80 bytes).</summary>
    private const int OpaqueSize = 1024;

    [StructLayout(LayoutKind.Sequential, Size = OpaqueSize)]
    public struct Opaque
    {
        private readonly long _first;
    }

    /// <summary>siginfo_t of a 64-bit Linux as waitid fills it (128 bytes).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct SignalInfo
    {
        [FieldOffset(8)]
        public int Code;

        [FieldOffset(16)]
        public int Pid;

        [FieldOffset(24)]
        public int Status;
    }

    /// <summary>itimerspec of a 64-bit Linux: an interval, here always 0, and the instant of the first expiry; 0 is never.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimerSetting
    {
        private readonly long _intervalSeconds;
        private readonly long _intervalNanoseconds;
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport(Library, EntryPoint = "getpid")]
    public static partial int GetProcessId();

    /// <summary><paramref name="option"/> is <see cref="GetChildSubreaper"/>.</summary>
    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ProcessControl(int option, int* value);

    /// <summary><paramref name="command"/> is <see cref="DuplicateCloseOnExec"/>: the lowest free descriptor from <paramref name="lowest"/> on.</summary>
    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int DescriptorControl(int descriptor, int command, int lowest);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    /// <summary>The flag is <see cref="OpenCloseOnExec"/>.</summary>
    [LibraryImport(Library, EntryPoint = "timerfd_create", SetLastError = true)]
    public static partial int CreateTimer(int clock, int flags);

    [LibraryImport(Library, EntryPoint = "timerfd_settime", SetLastError = true)]
    public static partial int SetTimer(int descriptor, int flags, TimerSetting* setting, TimerSetting* left);

    [LibraryImport(Library, EntryPoint = "timerfd_gettime", SetLastError = true)]
    public static partial int GetTimer(int descriptor, TimerSetting* left);

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    /// <summary><paramref name="handler"/> is <see cref="IgnoreSignal"/>.</summary>
    [LibraryImport(Library, EntryPoint = "signal", SetLastError = true)]
    public static partial nint SetHandler(int signal, nint handler);

    [LibraryImport(Library, EntryPoint = "getpgrp")]
    public static partial int GetProcessGroup();

    [LibraryImport(Library, EntryPoint = "isatty")]
    public static partial int IsTerminal(int descriptor);

    [LibraryImport(Library, EntryPoint = "tcgetpgrp", SetLastError = true)]
    public static partial int GetForegroundGroup(int descriptor);

    [LibraryImport(Library, EntryPoint = "tcsetpgrp", SetLastError = true)]
    public static partial int SetForegroundGroup(int descriptor, int group);

    [LibraryImport(Library, EntryPoint = "pthread_sigmask")]
    public static partial int ThreadSignalMask(int how, Opaque* set, Opaque* old);

    [LibraryImport(Library, EntryPoint = "sigemptyset")]
    public static partial int EmptySignalSet(Opaque* set);

    [LibraryImport(Library, EntryPoint = "sigaddset")]
    public static partial int AddToSignalSet(Opaque* set, int signal);

    [LibraryImport(Library, EntryPoint = "waitid", SetLastError = true)]
    public static partial int WaitId(int idType, int id, SignalInfo* info, int options);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(int* descriptors, int flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnp")]
    public static partial int Spawn(int* pid, byte* file, Opaque* actions, Opaque* attributes, byte** arguments, byte** environment);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    public static partial int SpawnAttributesInit(Opaque* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    public static partial int SpawnAttributesDestroy(Opaque* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SpawnAttributesSetFlags(Opaque* attributes, short flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setpgroup")]
    public static partial int SpawnAttributesSetGroup(Opaque* attributes, int group);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigdefault")]
    public static partial int SpawnAttributesSetDefaultSignals(Opaque* attributes, Opaque* set);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigmask")]
    public static partial int SpawnAttributesSetSignalMask(Opaque* attributes, Opaque* set);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    public static partial int SpawnActionsInit(Opaque* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    public static partial int SpawnActionsDestroy(Opaque* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    public static partial int SpawnActionsDuplicate(Opaque* actions, int from, int to);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addopen")]
    public static partial int SpawnActionsOpen(Opaque* actions, int descriptor, byte* path, int flags, uint mode);

    /// <summary>libc's own list of environment strings, as bytes: what is not UTF-8 must reach a child unharmed.</summary>
    public static byte** Environment
    {
        get
        {
            var library = NativeLibrary.Load(Library, typeof(Libc).Assembly, null);
            return *(byte***)NativeLibrary.GetExport(library, "environ");
        }
    }
}
