using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Formation;

namespace Consensus.Storage.Tests.Support;

/// <summary>One process with its data directory, formed and recovered.</summary>
internal sealed class OpenMember : IDisposable
{
    public const string Root = "/srv/data";
    public static readonly StorageOptions SmallSegments = new() { SegmentBytes = 2048, MaxSnapshotBytes = 1 << 20 };
    private long _sequence;

    /// <summary>The same, sealed by the first key of such a file.</summary>
    public static StorageOptions Sealed(string keyFile = Make.KeyFile) => SmallSegments with { Keys = KeyRing.Of(keyFile) };

    private OpenMember(DataDirectory directory, RecoveredLog recovered, IDurableLog log) =>
        (Directory, Recovered, Log) = (directory, recovered, log);

    public DataDirectory Directory { get; }

    public RecoveredLog Recovered { get; }

    public IDurableLog Log { get; }

    public ISnapshotStore Snapshots => Directory.Snapshots;

    public static DataDirectory OpenDirectory(IDisk disk, string path = Root, StorageOptions? options = null) =>
        DataDirectory.Open(disk, path, Make.Name, Make.Digest, () => Make.Incarnation, options ?? SmallSegments);

    /// <summary>Opens the directory, forms it if it is new, and recovers.</summary>
    public static OpenMember Start(IDisk disk, string path = Root, StorageOptions? options = null)
    {
        var directory = OpenDirectory(disk, path, options);
        try
        {
            if (!directory.Identity.IsFormed)
            {
                directory.Form(Make.Cluster, Make.Self, Make.Initial);
            }
            var recovered = directory.Recover(out var log);
            return new OpenMember(directory, recovered, log);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    public static string SegmentPath(long sequence, string root = Root) => $"{root}/wal/{sequence:x16}.wal";

    public static string SnapshotPath(SnapshotMark mark, string root = Root) => $"{root}/snap/{mark.LastIndex.Value:x16}-{mark.LastTerm.Value:x16}.snap";

    public PersistRequest Request(
        HardState? vote = null, Entry[]? entries = null, SnapshotMark? installed = null, SnapshotMark? taken = null, long commit = 0) =>
        new(++_sequence, vote, installed, taken, entries ?? [], new Consensus.Primitives.LogIndex(commit));

    public void Append(params Entry[] entries) => Log.Append([Request(entries: entries)]);

    public void Vote(long term, long member = 0) => Log.Append([Request(vote: Make.Vote(term, member))]);

    /// <summary>A snapshot of the member's own, whose sections tell the mark.</summary>
    public void TakeSnapshot(SnapshotMark mark, int sections = 3)
    {
        SaveSnapshot(Snapshots, mark, sections);
        Log.Append([Request(taken: mark)]);
    }

    /// <summary>All that can go, a few at a time.</summary>
    public void Compact(LogIndex through)
    {
        while (Log.Compact(through))
        {
            // More is left.
        }
    }

    public void InstallSnapshot(SnapshotMark mark, int sections = 3)
    {
        SaveSnapshot(Snapshots, mark, sections);
        Log.Append([Request(installed: mark)]);
    }

    public static SnapshotFile SaveSnapshot(ISnapshotStore store, SnapshotMark mark, int sections) => store.Save(mark, sink =>
    {
        for (var i = 0; i < sections; i++)
        {
            sink.Section(i, SectionBody(mark, i));
        }
    });

    public static byte[] SectionBody(SnapshotMark mark, int section) =>
        [.. Enumerable.Range(0, 40 * section).Select(i => (byte)(mark.LastIndex.Value + (section * 31) + i))];

    public void Dispose()
    {
        Log.Dispose();
        Directory.Dispose();
    }
}
