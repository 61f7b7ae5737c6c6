using System.Security.Cryptography;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Storage;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Formation;

namespace Consensus.InnerBenchmarks.Log;

/// <summary>
/// A new log in a directory of its own under the working directory (a real disk, unlike most temporary directories), and batches to append. Every batch replaces the one before, which the
/// log bears as it bears a follower's conflict: so the entries can be made ahead, and the log writes what it always writes.
/// </summary>
internal sealed class OpenLog : IDisposable
{
    private readonly string _path = Path.GetFullPath(Path.Combine("artifacts", $"inner-log-{Environment.ProcessId}"));
    private readonly DataDirectory _directory;
    private readonly IDurableLog _log;
    private readonly PersistRequest[] _batch;

    public OpenLog(IDisk disk, int entries, bool isSealed)
    {
        Remove();
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        _directory = DataDirectory.Open(disk, _path, "n1", new byte[32], () => 1, new StorageOptions { Keys = isSealed ? NewKeys() : null });
        _directory.Form(new ClusterId(1), Samples.Self, Configuration.OfVoters([new Member(Samples.Self, "n1", "127.0.0.1:7380")]));
        _directory.Recover(out _log);
        _log.Append([new PersistRequest(1, new HardState(new Term(3), Samples.Self), null, null, [])]);
        _batch = [new PersistRequest(2, null, null, null, Samples.Entries(first: 1, entries))];
    }

    public void Append() => _log.Append(_batch);

    public void Dispose()
    {
        _log.Dispose();
        _directory.Dispose();
        Remove();
    }

    private KeyRing NewKeys()
    {
        var file = _path + ".keys";
        File.WriteAllText(file, $"k1 {Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}");
        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        var keys = KeyRing.Load(file, "the benchmark's keys");
        File.Delete(file);
        return keys;
    }

    private void Remove()
    {
        if (Directory.Exists(_path))
        {
            Directory.Delete(_path, recursive: true);
        }
    }
}
