using Consensus.Raft;
using Consensus.StateMachine.Snapshots;

namespace Consensus.Node.Ports;

/// <param name="LengthBytes">Size of the file.</param>
public sealed record SnapshotFile(SnapshotMark Mark, long LengthBytes);

/// <summary>
/// Snapshot files: written to a temporary file, checksummed, fsynced, renamed, directory fsynced. A file counts only once the log
/// marks it. Thread-safe; called from background threads, never from the loop.
/// </summary>
public interface ISnapshotStore
{
    /// <summary>Writes a snapshot; when this returns it is durable under its final name. Throws <see cref="StorageFailedException"/>.</summary>
    SnapshotFile Save(SnapshotMark mark, Action<ISnapshotSink> write);

    /// <summary>Opens the file of this mark and checks its header; each section's checksum is checked as it is read.</summary>
    ISnapshotReader Open(SnapshotMark mark);

    /// <summary>Opens the raw bytes of this mark's file for sending; it stays readable until disposed, even when removed meanwhile.</summary>
    Stream OpenRaw(SnapshotMark mark);

    /// <summary>
    /// Starts receiving a file from the leader into a temporary file. <paramref name="lengthBytes"/> is bounded by the store. A disk that would be left without room for the log throws
    /// <see cref="StorageFailedException"/> as a full one.
    /// </summary>
    IIncomingSnapshot Receive(SnapshotMark mark, long lengthBytes);

    /// <summary>Removes every snapshot file older than this one.</summary>
    void RemoveOlderThan(SnapshotMark mark);
}

public interface ISnapshotReader : ISnapshotSource, IDisposable
{
    SnapshotFile File { get; }
}

/// <summary>A snapshot on its way in. Disposing it before <see cref="Complete"/> removes the temporary file.</summary>
public interface IIncomingSnapshot : IDisposable
{
    /// <summary>How much was written.</summary>
    long TakenBytes { get; }

    void Write(ReadOnlySpan<byte> chunk);

    /// <summary>Checks length and every checksum, then makes the file durable under its final name. Throws <see cref="Primitives.Wire.WireFormatException"/> when it is damaged.</summary>
    SnapshotFile Complete();
}
