using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Consensus.Cli.Output;

/// <summary>
/// Standard output, or standard error, by the system's own call. The console's streams have two faults for this program. They swallow the error that says that the reader is
/// gone (EPIPE), so that <c>watch | head -1</c> would write into nothing for ever. And their first byte sets up the terminal, which stops a program in the background (SIGTTOU):
/// nobody would renew its lock. Linux only. What cannot be written to standard output is an <see cref="OutputFailedException"/>. What cannot be written to standard error is lost:
/// there is nobody left to tell it to, and what is under way (a lock to be given back) must not end for it.
/// </summary>
internal sealed unsafe partial class StandardOutput : Stream
{
    private const nuint GetWindowSize = 0x5413;
    private const int Eintr = 4;
    private const int Ebadf = 9;
    private const int Eagain = 11;
    private const int Epipe = 32;
    private const short PollOut = 0x4;
    private const short PollError = 0x8;
    private const short PollHangUp = 0x10;

    private static readonly Lazy<CancellationToken> NoReader = new(WatchReader);

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

    public static Stream Open() => OperatingSystem.IsLinux() ? new StandardOutput(StandardDescriptors.Output) : Console.OpenStandardOutput();

    public static Stream OpenError() => OperatingSystem.IsLinux() ? new StandardOutput(StandardDescriptors.Error) : Console.OpenStandardError();

    /// <summary>
    /// Cancelled as soon as nobody reads standard output any more, without a write that would find it: what follows something would else end with the next event only, which may
    /// never come. Never for a file.
    /// </summary>
    public static CancellationToken ReaderGone() => NoReader.Value;

    /// <summary>Columns of the terminal that standard output is; null when it is none, or does not tell.</summary>
    public static int? TerminalWidth()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        WindowSize size;
        return Control(StandardDescriptors.Output, GetWindowSize, &size) == 0 && size.Columns > 0 ? size.Columns : null;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <exception cref="OutputFailedException">Of standard output only: its reader is gone, or it cannot be written to.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var error = StandardDescriptors.IsGiven(_descriptor) ? WriteAll(buffer) : Ebadf;
        if (error != 0 && _descriptor == StandardDescriptors.Output)
        {
            var reason = StandardDescriptors.IsGiven(_descriptor) ? new Win32Exception(error).Message : "it is closed";
            throw new OutputFailedException($"standard output could not be written: {reason}", error == Epipe);
        }
    }

    public override void Flush()
    {
        // Nothing is kept back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private static CancellationToken WatchReader()
    {
        if (!OperatingSystem.IsLinux() || !StandardDescriptors.IsGiven(StandardDescriptors.Output))
        {
            return CancellationToken.None;
        }
        var gone = new CancellationTokenSource();
        new Thread(() => WaitUntilReaderIsGone(gone)) { IsBackground = true, Name = "output-reader" }.Start();
        return gone.Token;
    }

    /// <summary>An error and a hang-up are told by poll without being asked for.</summary>
    private static void WaitUntilReaderIsGone(CancellationTokenSource gone)
    {
        var request = new PollRequest { Descriptor = StandardDescriptors.Output };
        int found;
        do
        {
            found = StandardDescriptors.Poll(&request, 1, -1);
        }
        while (found < 0 && Marshal.GetLastPInvokeError() is Eintr or Eagain);
        if (found > 0 && (request.Found & (PollError | PollHangUp)) != 0)
        {
            gone.Cancel();
        }
    }

    /// <returns>0, or the number of the error that kept the rest from being written.</returns>
    private int WriteAll(ReadOnlySpan<byte> buffer)
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
                    _ = StandardDescriptors.Poll(&request, 1, -1);
                    break;
                case var error:
                    return error;
            }
        }
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint WriteTo(int descriptor, byte* data, nuint length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int descriptor, nuint request, WindowSize* size);
}
