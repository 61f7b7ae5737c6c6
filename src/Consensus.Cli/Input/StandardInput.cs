using System.ComponentModel;
using System.Runtime.InteropServices;
using Consensus.Cli.Output;

namespace Consensus.Cli.Input;

/// <summary>
/// Standard input by the system's own call, byte for byte. The console's stream takes a descriptor that the caller had closed for one that is open, and reads a terminal as
/// text, which what is not UTF-8 does not survive. Linux only.
/// </summary>
internal sealed unsafe partial class StandardInput : Stream
{
    private const int Eintr = 4;
    private const int Eagain = 11;
    private const short PollIn = 0x1;

    private StandardInput()
    {
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static Stream Open() => OperatingSystem.IsLinux() ? new StandardInput() : Console.OpenStandardInput();

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Blocks until there is something, or the end (0).</summary>
    /// <exception cref="IOException">It is closed, or cannot be read.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (!StandardDescriptors.IsGiven(StandardDescriptors.Input))
        {
            throw new IOException("it is closed");
        }
        while (true)
        {
            nint read;
            fixed (byte* start = buffer)
            {
                read = ReadFrom(StandardDescriptors.Input, start, (nuint)buffer.Length);
            }
            if (read >= 0)
            {
                return (int)read;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Eintr:
                    break;
                case Eagain:
                    // Somebody who shares it made it non-blocking.
                    var request = new PollRequest { Descriptor = StandardDescriptors.Input, Events = PollIn };
                    _ = StandardDescriptors.Poll(&request, 1, -1);
                    break;
                case var error:
                    throw new IOException(new Win32Exception(error).Message);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
        // Nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint ReadFrom(int descriptor, byte* data, nuint length);
}
