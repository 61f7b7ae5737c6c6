using System.Runtime.InteropServices;
using System.Text;

namespace Consensus.Chaos.Machines;

/// <summary>
/// A network device whose other end is this process: what the kernel routes there is read here, and what is written here arrives there, one IP packet at a time
/// (Linux, Documentation/networking/tuntap.rst). It keeps working after the device was moved to another network namespace, and is gone once it is disposed.
/// </summary>
internal sealed class TunDevice : IDisposable
{
    private const int ReadWriteNonBlockingCloseOnExec = 0x2 | 0x800 | 0x80000;
    private const nuint SetInterface = 0x400454ca;
    private const short TunWithoutHeader = 0x1001;

    private TunDevice(int descriptor) => Descriptor = descriptor;

    public int Descriptor { get; }

    /// <summary>Null where it is not allowed.</summary>
    /// <param name="name">At most 15 characters.</param>
    public static TunDevice? TryMake(string name)
    {
        var descriptor = Open("/dev/net/tun", ReadWriteNonBlockingCloseOnExec);
        if (descriptor < 0)
        {
            return null;
        }
        // struct ifreq: 16 bytes of name, then the flags.
        var request = new byte[40];
        Encoding.ASCII.GetBytes(name, request);
        BitConverter.TryWriteBytes(request.AsSpan(16), TunWithoutHeader);
        if (Control(descriptor, SetInterface, request) == 0)
        {
            return new TunDevice(descriptor);
        }
        _ = Close(descriptor);
        return null;
    }

    /// <summary>The length of the packet; at most 0 when none waits.</summary>
    public int Read(byte[] packet) => (int)Read(Descriptor, packet, (nuint)packet.Length);

    /// <summary>A packet that the kernel does not take is lost, as on any network.</summary>
    public void Write(byte[] packet) => _ = Write(Descriptor, packet, (nuint)packet.Length);

    /// <summary>Waits until one of them has a packet, or for the time given.</summary>
    public static void Wait(PollItem[] items, int limitMs) => _ = Poll(items, (nuint)items.Length, limitMs);

    public void Dispose() => _ = Close(Descriptor);

    [DllImport("libc", EntryPoint = "open", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPStr)] string path, int flags);

    [DllImport("libc", EntryPoint = "ioctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int descriptor, nuint request, byte[] argument);

    [DllImport("libc", EntryPoint = "read")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Read(int descriptor, [Out] byte[] buffer, nuint length);

    [DllImport("libc", EntryPoint = "write")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(int descriptor, byte[] buffer, nuint length);

    [DllImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll([In, Out] PollItem[] items, nuint count, int limitMs);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollItem
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }
}
