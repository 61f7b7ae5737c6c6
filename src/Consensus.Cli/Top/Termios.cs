using System.Runtime.InteropServices;

namespace Consensus.Cli.Top;

/// <summary>
/// The terminal's line settings (termios(3), as 64-bit Linux lays them out) and size. Not by way of .NET's console, which would set the terminal up in its own way: keys come one by one, unechoed, for as long as this lives. Ctrl-C still interrupts; Ctrl-Z does nothing, for
/// a suspended program would leave its screen behind.
/// </summary>
internal sealed partial class Termios : IDisposable
{
    private const int Input = 0, Output = 1;
    private const nuint GetWindowSize = 0x5413;
    private const int ApplyNow = 0;
    private const int LocalFlagsAt = 12;
    private const int ControlCharactersAt = 17;
    private const int MinimumIndex = 6, SuspendIndex = 10, TimeIndex = 5;
    private const uint Canonical = 0x2, Echo = 0x8;

    /// <summary>Larger than the 60 bytes that the C library fills.</summary>
    private readonly byte[] _before = new byte[128];
    private bool _changed;

    /// <summary>Null when standard input is no terminal: then there are no keys.</summary>
    public static Termios? OneKeyAtATime()
    {
        var settings = new Termios();
        if (GetAttributes(Input, settings._before) != 0)
        {
            return null;
        }
        var raw = settings._before.ToArray();
        var flags = BitConverter.ToUInt32(raw, LocalFlagsAt) & ~(Canonical | Echo);
        BitConverter.TryWriteBytes(raw.AsSpan(LocalFlagsAt), flags);
        raw[ControlCharactersAt + MinimumIndex] = 1;
        raw[ControlCharactersAt + TimeIndex] = 0;
        raw[ControlCharactersAt + SuspendIndex] = 0;
        settings._changed = SetAttributes(Input, ApplyNow, raw) == 0;
        return settings;
    }

    /// <summary>Null when standard output is no terminal, or tells no size.</summary>
    public static (int Width, int Height)? WindowSize()
    {
        var size = new ushort[4];
        return InputOutputControl(Output, GetWindowSize, size) == 0 && size[0] > 0 && size[1] > 0 ? (size[1], size[0]) : null;
    }

    public void Dispose()
    {
        if (_changed)
        {
            _changed = false;
            _ = SetAttributes(Input, ApplyNow, _before);
        }
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int InputOutputControl(int descriptor, nuint request, [In, Out] ushort[] size);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int descriptor, [Out] byte[] settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int descriptor, int when, byte[] settings);
}
