using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Snapshots;

/// <summary>
/// A leader's snapshot file on its way in, under a temporary name until it is whole, checked and durable. It comes in plain, as every
/// member has keys of its own, and is sealed here where this member seals. One thread at a time.
/// </summary>
internal sealed class IncomingSnapshot(
    SnapshotStore store,
    IDiskFile file,
    string temporary,
    StorageIdentity owner,
    SnapshotMark mark,
    long lengthBytes,
    KeyRing? keys) : IIncomingSnapshot
{
    private readonly PacedWriter _writer = new(file);
    private SealingIntake? _sealing;
    private bool _hasBegun;
    private bool _done;

    public long TakenBytes => _sealing?.TakenBytes ?? _writer.Position;

    public void Write(ReadOnlySpan<byte> chunk)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            _sealing = keys is { Seals: true } ? new SealingIntake(_writer.Write, owner, keys, lengthBytes) : null;
        }
        if (chunk.Length > lengthBytes - TakenBytes)
        {
            throw new WireFormatException(string.Create(CultureInfo.InvariantCulture, $"a snapshot is longer than the {lengthBytes} bytes announced"));
        }
        if (_sealing is null)
        {
            _writer.Write(chunk);
        }
        else
        {
            _sealing.Write(chunk);
        }
    }

    public SnapshotFile Complete()
    {
        Invariant.Require(!_done, "a snapshot is completed once");
        if (TakenBytes != lengthBytes)
        {
            throw new WireFormatException(string.Create(CultureInfo.InvariantCulture,
                $"a snapshot ended after {TakenBytes} of {lengthBytes} bytes"));
        }
        string? keyId;
        try
        {
            _sealing?.End();
            using var scanner = new SnapshotScanner(file, owner, mark, keys);
            scanner.CheckRest(new byte[64 << 10]);
            keyId = scanner.KeyId;
        }
        catch (WireFormatException e)
        {
            throw new WireFormatException($"the snapshot received {e.Message}");
        }
        file.Sync();
        store.Publish(temporary, mark, keyId);
        _done = true;
        return new SnapshotFile(mark, _writer.Position);
    }

    public void Dispose()
    {
        file.Dispose();
        _sealing?.Dispose();
        if (!_done)
        {
            _done = true;
            store.TryRemove(temporary);
        }
    }
}
