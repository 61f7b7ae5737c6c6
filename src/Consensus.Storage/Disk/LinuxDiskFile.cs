using System.Runtime.InteropServices;
using Consensus.Node.Ports;

namespace Consensus.Storage.Disk;

/// <summary>A file descriptor of ours. Closing releases a lock held on it.</summary>
internal sealed class LinuxDiskFile(string path, int descriptor) : IDiskFile
{
    private const int SeekEnd = 2;
    private int _descriptor = descriptor;

    ~LinuxDiskFile() => Close();

    public string Path { get; } = path;

    public long Length
    {
        get
        {
            var length = Libc.Seek(Descriptor, 0, SeekEnd);
            return length >= 0 ? length : throw Libc.Failure("measure", Path, Marshal.GetLastPInvokeError());
        }
    }

    private int Descriptor
    {
        get
        {
            ObjectDisposedException.ThrowIf(_descriptor < 0, this);
            return _descriptor;
        }
    }

    public void Allocate(long lengthBytes)
    {
        while (true)
        {
            var error = Libc.Allocate(Descriptor, 0, lengthBytes);
            if (error == 0)
            {
                return;
            }
            if (!Libc.WasInterrupted(error))
            {
                throw Libc.Failure("allocate space for", Path, error);
            }
        }
    }

    public void Truncate(long lengthBytes)
    {
        while (Libc.Truncate(Descriptor, lengthBytes) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (!Libc.WasInterrupted(error))
            {
                throw Libc.Failure("shorten", Path, error);
            }
        }
    }

    public unsafe void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            var done = 0;
            while (done < bytes.Length)
            {
                var count = Libc.Write(Descriptor, start + done, (nuint)(bytes.Length - done), offset + done);
                if (count > 0)
                {
                    done += (int)count;
                    continue;
                }
                var error = count == 0 ? 0 : Marshal.GetLastPInvokeError();
                if (count == 0)
                {
                    throw new StorageFailedException($"cannot write {Path}: the disk took none of {bytes.Length - done} bytes");
                }
                if (!Libc.WasInterrupted(error))
                {
                    throw Libc.Failure("write", Path, error);
                }
            }
        }
        GC.KeepAlive(this);
    }

    public unsafe int Read(long offset, Span<byte> into)
    {
        fixed (byte* start = into)
        {
            var done = 0;
            while (done < into.Length)
            {
                var count = Libc.Read(Descriptor, start + done, (nuint)(into.Length - done), offset + done);
                if (count > 0)
                {
                    done += (int)count;
                    continue;
                }
                if (count == 0)
                {
                    break;
                }
                var error = Marshal.GetLastPInvokeError();
                if (!Libc.WasInterrupted(error))
                {
                    throw Libc.Failure("read", Path, error);
                }
            }
            GC.KeepAlive(this);
            return done;
        }
    }

    public void SyncData() => CheckSync(Libc.SyncData(Descriptor), data: true);

    public void Sync() => CheckSync(Libc.Sync(Descriptor), data: false);

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private void CheckSync(int result, bool data)
    {
        while (result != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (!Libc.WasInterrupted(error))
            {
                // Never tried again: the kernel marks the pages clean, so a second call would succeed without having written them (raft-bugs 7).
                throw Libc.Failure("flush", Path, error);
            }
            result = data ? Libc.SyncData(Descriptor) : Libc.Sync(Descriptor);
        }
    }

    private void Close()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = Libc.Close(descriptor);
        }
    }
}
