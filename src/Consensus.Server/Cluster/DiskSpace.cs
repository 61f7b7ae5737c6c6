namespace Consensus.Server.Cluster;

/// <summary>How much room the file system of the data directory has.</summary>
internal readonly record struct DiskRoom(long FreeBytes, long TotalBytes);

/// <summary>Looks at the file system of the data directory, at most once a second. Thread-safe.</summary>
internal sealed class DiskSpace(string? directory, TimeProvider time)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private DiskRoom? _seen;
    private long _seenAt;
    private bool _looked;

    /// <summary>Null where it is not known: a server without a data directory, or one that cannot be looked at.</summary>
    public DiskRoom? Read()
    {
        if (directory is null)
        {
            return null;
        }
        lock (_gate)
        {
            if (!_looked || time.GetElapsedTime(_seenAt) >= Every)
            {
                (_seen, _seenAt, _looked) = (Look(directory), time.GetTimestamp(), true);
            }
            return _seen;
        }
    }

    private static DiskRoom? Look(string directory)
    {
        try
        {
            var drive = new DriveInfo(Path.GetFullPath(directory));
            return new DiskRoom(drive.AvailableFreeSpace, drive.TotalSize);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
