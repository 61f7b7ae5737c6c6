using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Disk;

namespace Consensus.Storage.Tests.Simulation;

/// <summary>
/// A file system in memory that keeps only what it must: after a loss of power, writes that were not synced are there, or not, sector by
/// sector, and names whose directory was not synced likewise. Faults are injected at single operations. Everything follows from the seed.
/// One thread at a time.
/// </summary>
public sealed class SimulatedDisk(ulong seed) : IDisk
{
    private readonly DeterministicRandom _random = new(seed);
    private readonly HashSet<string> _locked = [];
    private SimulatedDirectory _root = new();
    private int _process;
    private bool _crashed;
    private long _reads;

    /// <summary>Asked before each operation; null injects nothing.</summary>
    public Func<DiskOperation, DiskFault>? Inject { get; set; }

    /// <summary>Operations so far that changed or synced something.</summary>
    public long Operations { get; private set; }

    /// <summary>Bytes that were read and written so far.</summary>
    public long MovedBytes { get; private set; }

    /// <summary>The process ended (kill -9): its open files and locks are gone, and what it wrote is seen by the next one. Ends fault injection.</summary>
    public void KillProcess()
    {
        _process++;
        _crashed = false;
        _locked.Clear();
        Inject = null;
    }

    /// <summary>As <see cref="KillProcess"/>, and what was not synced may be lost.</summary>
    public void LosePower()
    {
        KillProcess();
        _root.LosePower(_random);
    }

    /// <summary>Another disk with the same contents, all of it durable, and no process.</summary>
    public SimulatedDisk Copy(ulong copySeed) => new(copySeed) { _root = _root.Copy() };

    public byte[] Contents(string path) => Find(path).Cached.ToArray();

    /// <summary>Puts other bytes, durable, in a file's place (damage from outside).</summary>
    public void Replace(string path, ReadOnlySpan<byte> contents)
    {
        var (directory, name) = ParentOf(path);
        directory.Names[name] = SimulatedFile.WithDurableContents(contents.ToArray());
        directory.Sync();
    }

    public void FlipBit(string path, int offset, int bit)
    {
        var contents = Contents(path);
        contents[offset] ^= (byte)(1 << bit);
        Replace(path, contents);
    }

    public IDisposable? TryLock(string path)
    {
        if (_locked.Contains(path))
        {
            return null;
        }
        Do(DiskOperationKind.Lock, path, () =>
        {
            var (directory, name) = ParentOf(path);
            if (!directory.Names.ContainsKey(name))
            {
                directory.Add(name, new SimulatedFile());
            }
            _locked.Add(path);
        });
        return new Lock(this, path, _process);
    }

    public bool FileExists(string path) => Lookup(path) is SimulatedFile;

    public bool DirectoryExists(string path) => Lookup(path) is SimulatedDirectory;

    public void CreateDirectory(string path) => Do(DiskOperationKind.CreateDirectory, path, () =>
    {
        var (directory, name) = ParentOf(path);
        Invariant.Require(!directory.Names.ContainsKey(name), "a directory is made once");
        directory.Add(name, new SimulatedDirectory());
    });

    public void RestrictDirectory(string path) => FindDirectory(path);

    public IReadOnlyList<string> List(string directory)
    {
        CheckAlive(_process);
        return [.. FindDirectory(directory).Names.Keys];
    }

    public IDiskFile Open(string path, bool writable)
    {
        CheckAlive(_process);
        return new Handle(this, path, Find(path), writable);
    }

    public IDiskFile CreateNew(string path)
    {
        var file = new SimulatedFile();
        Do(DiskOperationKind.CreateNew, path, () =>
        {
            var (directory, name) = ParentOf(path);
            Invariant.Require(!directory.Names.ContainsKey(name), "a new file has a new name");
            directory.Add(name, file);
        });
        return new Handle(this, path, file, writable: true);
    }

    public void Rename(string from, string to) => Do(DiskOperationKind.Rename, to, () =>
    {
        var (directory, oldName) = ParentOf(from);
        var (other, newName) = ParentOf(to);
        Invariant.Require(directory == other, "files are renamed within their directory");
        directory.Rename(oldName, newName);
    });

    public void Delete(string path) => Do(DiskOperationKind.Delete, path, () =>
    {
        var (directory, name) = ParentOf(path);
        if (directory.Names.ContainsKey(name))
        {
            directory.Remove(name);
        }
    });

    /// <summary>What <see cref="FreeBytes"/> tells.</summary>
    public long Free { get; set; } = long.MaxValue;

    public long FreeBytes(string directory) => Free;

    public void SyncDirectory(string path) => Do(DiskOperationKind.SyncDirectory, path, () => FindDirectory(path).Sync());

    private void Do(DiskOperationKind kind, string path, Action apply, Action? applyPart = null)
    {
        CheckAlive(_process);
        var operation = new DiskOperation(kind == DiskOperationKind.Read ? _reads++ : Operations++, kind, path);
        switch (Inject?.Invoke(operation) ?? DiskFault.None)
        {
            case DiskFault.None:
                apply();
                return;
            case DiskFault.InputOutputError:
                applyPart?.Invoke();
                throw new StorageFailedException($"cannot {kind} {path}: Input/output error");
            case DiskFault.Full:
                applyPart?.Invoke();
                throw new StorageFailedException($"cannot {kind} {path}: the disk is full") { IsDiskFull = true };
            case DiskFault.CrashBefore:
                if (!operation.IsSync)
                {
                    applyPart?.Invoke();
                }
                break;
            case DiskFault.CrashAfter:
                apply();
                break;
            default:
                Invariant.Unreachable<int>(kind);
                break;
        }
        _crashed = true;
        throw new SimulatedCrashException($"crashed at {operation}");
    }

    private void CheckAlive(int process)
    {
        if (_crashed || process != _process)
        {
            throw new SimulatedCrashException("the process ended before");
        }
    }

    private (SimulatedDirectory Directory, string Name) ParentOf(string path) =>
        (FindDirectory(Path.GetDirectoryName(path) ?? "/"), Path.GetFileName(path));

    private SimulatedFile Find(string path) => Lookup(path) as SimulatedFile ?? throw new FileNotFoundException($"there is no {path}", path);

    private SimulatedDirectory FindDirectory(string path) =>
        Lookup(path) as SimulatedDirectory ?? throw new StorageFailedException($"there is no directory {path}");

    private object? Lookup(string path)
    {
        object? node = _root;
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (node is not SimulatedDirectory directory || !directory.Names.TryGetValue(name, out node))
            {
                return null;
            }
        }
        return node;
    }

    private sealed class Lock(SimulatedDisk disk, string path, int process) : IDisposable
    {
        public void Dispose()
        {
            if (process == disk._process)
            {
                disk._locked.Remove(path);
            }
        }
    }

    private sealed class Handle(SimulatedDisk disk, string path, SimulatedFile file, bool writable) : IDiskFile
    {
        private readonly int _process = disk._process;
        private bool _closed;

        public string Path => path;

        public long Length => Checked().Length;

        public void Allocate(long lengthBytes) => Do(DiskOperationKind.Allocate, () => file.Extend(lengthBytes));

        public void Truncate(long lengthBytes)
        {
            Invariant.Require(writable && lengthBytes <= file.Length, "a file is shortened, and one opened for it");
            Do(DiskOperationKind.Truncate, () => file.Shorten(lengthBytes));
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            Invariant.Require(writable, "only a file opened for it is written");
            disk.MovedBytes += bytes.Length;
            var copy = bytes.ToArray();
            Do(DiskOperationKind.Write, () => file.Write(offset, copy), () =>
                file.Write(offset, copy.AsSpan(0, (int)disk._random.Next(copy.Length + 1))));
        }

        public int Read(long offset, Span<byte> into)
        {
            Do(DiskOperationKind.Read, () => { });
            var count = (int)Math.Clamp(file.Length - offset, 0, into.Length);
            disk.MovedBytes += count;
            file.Cached.Slice((int)Math.Min(offset, file.Length), count).CopyTo(into);
            return count;
        }

        public void SyncData() => Do(DiskOperationKind.SyncData, file.Sync, () => file.FailSync(disk._random));

        public void Sync() => Do(DiskOperationKind.Sync, file.Sync, () => file.FailSync(disk._random));

        public void Dispose() => _closed = true;

        private void Do(DiskOperationKind kind, Action apply, Action? applyPart = null)
        {
            Checked();
            disk.Do(kind, path, apply, applyPart);
        }

        private SimulatedFile Checked()
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            disk.CheckAlive(_process);
            return file;
        }
    }
}
