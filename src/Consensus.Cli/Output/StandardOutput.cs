using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Consensus.Cli.Output;

/// <summary>
/// Standard output, or standard error, by the system's own call. The console's streams have two faults for this program. They swallow the error that says that the reader is
/// gone (EPIPE), so that <c>watch | head -1</c> would write into nothing for ever. And their first byte sets up the terminal, which stops a program in the background (SIGTTOU):
/// nobody would renew its lock. Linux only.
/// </summary>
internal sealed unsafe partial class StandardOutput : Stream
{
    private const int Out = 1;
    private const int Error = 2;
    private const nuint GetWindowSize = 0x5413;
    private const int Eintr = 4;
    private const int Eagain = 11;
    private const short PollOut = 0x4;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Found;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }

    private readonly int _descriptor;

    private StandardOutput(int descriptor) => _descriptor = descriptor;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static Stream Open() => OperatingSystem.IsLinux() ? new StandardOutput(Out) : Console.OpenStandardOutput();

    public static Stream OpenError() => OperatingSystem.IsLinux() ? new StandardOutput(Error) : Console.OpenStandardError();

    /// <summary>Columns of the terminal that standard output is; null when it is none, or does not tell.</summary>
    public static int? TerminalWidth()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        WindowSize size;
        return Control(Out, GetWindowSize, &size) == 0 && size.Columns > 0 ? size.Columns : null;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <exception cref="IOException">Nobody reads it any more, or it cannot be written to.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            nint written;
            fixed (byte* start = buffer)
            {
                written = WriteTo(_descriptor, start, (nuint)buffer.Length);
            }
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Eintr:
                    break;
                case Eagain:
                    // Somebody who shares it made it non-blocking.
                    var request = new PollRequest { Descriptor = _descriptor, Events = PollOut };
                    _ = Poll(&request, 1, -1);
                    break;
                case var error:
                    throw new IOException(new Win32Exception(error).Message);
            }
        }
    }

    public override void Flush()
    {
        // Nothing is kept back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint WriteTo(int descriptor, byte* data, nuint length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int descriptor, nuint request, WindowSize* size);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Poll(PollRequest* requests, nuint count, int timeoutMs);
}
