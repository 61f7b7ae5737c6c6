using Consensus.StateMachine;
using Consensus.StateMachine.Snapshots;
using Consensus.StateMachine.Tables;
using Consensus.Storage.Backups;
using Consensus.Storage.Disk;
using Consensus.Storage.Snapshots;

namespace Consensus.EndToEnd.Tests.Processes;

/// <summary>The snapshot of a stopped member, written anew with something else in it: every checksum, count and digest is right for what it holds.</summary>
internal static class FalsifiedSnapshot
{
    public static void Write(string dataDirectory, Action<StateTables> falsify)
    {
        var path = Directory.EnumerateFiles(dataDirectory, "*.snap", SearchOption.AllDirectories).Single();
        var tables = new StateTables(Limits.Default);
        SnapshotHeader header;
        MetaSection meta;
        using (var reader = BackupReader.Open(new LinuxDisk(), path))
        {
            header = reader.Header;
            meta = SnapshotReader.Read(reader, tables);
        }
        falsify(tables);
        tables.Verify();
        var view = new StateView(meta.AppliedIndex, meta.AppliedStamp, tables.Revision, meta.Applied, tables.Digest, tables.Counts, tables.Freeze(), tables.Counters);
        using var file = File.Create(path);
        var writer = new SnapshotFileWriter(file.Write, header.Cluster, header.Mark);
        SnapshotWriter.Write(view, writer);
        writer.End();
    }
}
