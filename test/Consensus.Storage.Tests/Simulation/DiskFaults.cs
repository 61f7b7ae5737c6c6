namespace Consensus.Storage.Tests.Simulation;

/// <summary>What was asked of a <see cref="SimulatedDisk"/>.</summary>
public enum DiskOperationKind
{
    Lock,
    CreateDirectory,
    CreateNew,
    Allocate,
    Truncate,
    Write,
    SyncData,
    Sync,
    SyncDirectory,
    Rename,
    Delete,

    /// <summary>Reading changes nothing and is numbered on its own.</summary>
    Read,
}

/// <param name="Number">Counts from 0: among all operations that change or sync something, or among the reads.</param>
public readonly record struct DiskOperation(long Number, DiskOperationKind Kind, string Path)
{
    public bool IsSync => Kind is DiskOperationKind.SyncData or DiskOperationKind.Sync or DiskOperationKind.SyncDirectory;

    /// <summary>True for what needs space on the disk.</summary>
    public bool TakesSpace => Kind is DiskOperationKind.Write or DiskOperationKind.Allocate or DiskOperationKind.CreateNew or DiskOperationKind.CreateDirectory;
}

public enum DiskFault
{
    None,

    /// <summary>EIO. A write may have been done in part. A failed sync leaves its sectors clean, whether they reached the disk or not.</summary>
    InputOutputError,

    /// <summary>ENOSPC. A write may have been done in part.</summary>
    Full,

    /// <summary>The process ends before the operation; a write may have been done in part.</summary>
    CrashBefore,

    /// <summary>The operation was done, but its caller did not live to know it.</summary>
    CrashAfter,
}

/// <summary>The simulated process ended here.</summary>
public sealed class SimulatedCrashException(string message) : Exception(message);
