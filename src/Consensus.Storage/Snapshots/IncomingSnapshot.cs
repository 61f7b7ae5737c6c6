using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Storage.Disk;

namespace Consensus.Storage.Snapshots;

/// <summary>A leader's snapshot file on its way in, under a temporary name until it is whole, checked and durable. One thread at a time.</summary>
internal sealed class IncomingSnapshot(
    SnapshotStore store,
    IDiskFile file,
    string temporary,
    ClusterId cluster,
    SnapshotMark mark,
    long lengthBytes) : IIncomingSnapshot
{
    private readonly PacedWriter _writer = new(file);
    private bool _done;

    public long TakenBytes => _writer.Position;

    public void Write(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length > lengthBytes - _writer.Position)
        {
            throw new WireFormatException(string.Create(CultureInfo.InvariantCulture, $"a snapshot is longer than the {lengthBytes} bytes announced"));
        }
        _writer.Write(chunk);
    }

    public SnapshotFile Complete()
    {
        Invariant.Require(!_done, "a snapshot is completed once");
        if (_writer.Position != lengthBytes)
        {
            throw new WireFormatException(string.Create(CultureInfo.InvariantCulture,
                $"a snapshot ended after {_writer.Position} of {lengthBytes} bytes"));
        }
        try
        {
            new SnapshotScanner(file, cluster, mark).CheckRest(new byte[64 << 10]);
        }
        catch (WireFormatException e)
        {
            throw new WireFormatException($"the snapshot received {e.Message}");
        }
        file.Sync();
        store.Publish(temporary, mark);
        _done = true;
        return new SnapshotFile(mark, lengthBytes);
    }

    public void Dispose()
    {
        file.Dispose();
        if (!_done)
        {
            _done = true;
            store.TryRemove(temporary);
        }
    }
}
