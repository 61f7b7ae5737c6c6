using Consensus.Security.Audit;

namespace Consensus.Server.Audit;

/// <summary>What somebody else did to the file that is open.</summary>
internal enum AuditFileChange
{
    None,

    /// <summary>Its name leads elsewhere, or nowhere.</summary>
    Moved,

    /// <summary>It is shorter than what was written.</summary>
    Cut,
}

/// <summary>
/// The file that an audit log is written to. One thread at a time. Everything throws <see cref="IOException"/> or
/// <see cref="UnauthorizedAccessException"/> with a sentence that names the file; none of it waits for another process.
/// </summary>
internal interface IAuditFile : IDisposable
{
    string Path { get; }

    /// <summary>As this object knows it.</summary>
    long Length { get; }

    /// <summary>Opens the file, or makes it, and takes an unfinished line at its end away. Closes what was open.</summary>
    /// <param name="cut">Bytes that were taken away.</param>
    /// <returns>What its last line stands for; null when it has none.</returns>
    AuditHead? Open(out long cut);

    /// <summary>What the newest of the files that were moved aside ends with; null when there is none.</summary>
    AuditHead? HeadBefore();

    /// <summary>Writes whole lines to the end: all of them, or none once it is opened again.</summary>
    void Append(ReadOnlySpan<byte> lines);

    /// <summary>Makes what was written durable.</summary>
    void Sync();

    AuditFileChange Look();

    /// <summary>Moves the file aside, and removes the oldest of those that are too many. Closed afterwards.</summary>
    void Rotate();

    void Close();
}
