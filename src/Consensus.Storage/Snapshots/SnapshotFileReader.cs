using Consensus.Node.Ports;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;

namespace Consensus.Storage.Snapshots;

/// <summary>A snapshot file being read. Owns the file and the buffer that sections are read into.</summary>
internal sealed class SnapshotFileReader(IDiskFile file, SnapshotScanner scanner, SnapshotFile description) : ISnapshotReader
{
    private byte[] _body = new byte[64 << 10];

    public SnapshotFile File => description;

    public bool NextSection(out int kind, out ReadOnlyMemory<byte> body)
    {
        try
        {
            var found = scanner.Next(ref _body, out kind, out var length);
            body = _body.AsMemory(0, length);
            return found;
        }
        catch (WireFormatException e)
        {
            throw new StorageRefusedException($"{file.Path} {e.Message}");
        }
    }

    public void Dispose()
    {
        scanner.Dispose();
        file.Dispose();
    }
}
