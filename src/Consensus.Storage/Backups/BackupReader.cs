using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Snapshots;

namespace Consensus.Storage.Backups;

/// <summary>A backup file being read: its header, then its sections, each checked. Whatever is wrong with it is a <see cref="BackupException"/> that names it.</summary>
internal sealed class BackupReader : ISnapshotSource, IDisposable
{
    private readonly IDiskFile _file;
    private readonly SnapshotScanner _scanner;
    private readonly Action<long, long>? _progress;
    private byte[] _body = new byte[64 << 10];

    private BackupReader(IDiskFile file, SnapshotHeader header, SnapshotScanner scanner, Action<long, long>? progress) =>
        (_file, Header, Length, _scanner, _progress) = (file, header, file.Length, scanner, progress);

    public SnapshotHeader Header { get; }

    public long Length { get; }

    /// <summary>The key that it is sealed with; null when it is plain.</summary>
    public string? KeyId => _scanner.KeyId;

    /// <param name="keys">Open a sealed backup; null: it is refused.</param>
    /// <param name="progress">Told how many bytes of how many were gone through.</param>
    public static BackupReader Open(IDisk disk, string path, KeyRing? keys = null, Action<long, long>? progress = null)
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
            var header = SnapshotFormat.ReadHeader(file);
            return new BackupReader(file, header, new SnapshotScanner(file, header, keys), progress);
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

    public void Dispose()
    {
        _scanner.Dispose();
        _file.Dispose();
    }
}
