using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Snapshots;

namespace Consensus.Storage.Backups;

/// <summary>A backup file being read: its header, then its sections, each checked. Whatever is wrong with it is a <see cref="BackupException"/> that names it.</summary>
internal sealed class BackupReader : ISnapshotSource, IDisposable
{
    private readonly IDiskFile _file;
    private readonly SnapshotScanner _scanner;
    private readonly Action<long, long>? _progress;
    private byte[] _body = new byte[64 << 10];

    private BackupReader(IDiskFile file, SnapshotHeader header, Action<long, long>? progress) =>
        (_file, Header, Length, _scanner, _progress) = (file, header, file.Length, new SnapshotScanner(file, header), progress);

    public SnapshotHeader Header { get; }

    public long Length { get; }

    /// <param name="progress">Told how many bytes of how many were gone through.</param>
    public static BackupReader Open(IDisk disk, string path, Action<long, long>? progress = null)
    {
        IDiskFile file;
        try
        {
            file = disk.Open(path, writable: false);
        }
        catch (Exception e) when (e is FileNotFoundException or UnauthorizedAccessException or StorageFailedException)
        {
            throw new BackupException(e.Message);
        }
        try
        {
            if (!SnapshotFormat.IsSnapshot(file))
            {
                throw new BackupException($"{path} is no snapshot of a Consensus cluster");
            }
            return new BackupReader(file, SnapshotFormat.ReadHeader(file), progress);
        }
        catch (WireFormatException e)
        {
            file.Dispose();
            throw new BackupException($"{path} {e.Message}");
        }
        catch (StorageFailedException e)
        {
            // A directory can be opened, and is only then found to be none.
            file.Dispose();
            throw new BackupException(e.Message);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool NextSection(out int kind, out ReadOnlyMemory<byte> body)
    {
        try
        {
            var found = _scanner.Next(ref _body, out kind, out var length);
            body = _body.AsMemory(0, length);
            _progress?.Invoke(_scanner.Position, Length);
            return found;
        }
        catch (WireFormatException e)
        {
            throw new BackupException($"{_file.Path} {e.Message}");
        }
        catch (StorageFailedException e)
        {
            throw new BackupException(e.Message, isRefusal: false);
        }
    }

    public void Dispose() => _file.Dispose();
}
