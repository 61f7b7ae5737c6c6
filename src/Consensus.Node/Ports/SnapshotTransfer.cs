namespace Consensus.Node.Ports;

/// <summary>Why a member takes no snapshot. The numbers travel (<c>peer.proto</c>): none is ever given another meaning.</summary>
public enum SnapshotRefusal
{
    None = 0,

    /// <summary>It may take it later: the reason passes by itself, or is one of a later version.</summary>
    NotNow = 1,

    /// <summary>It has applied all that the snapshot holds.</summary>
    NotNeeded = 2,

    /// <summary>It knows of a newer term than the sender's.</summary>
    StaleTerm = 3,

    /// <summary>Another member leads in that term.</summary>
    NotLeader = 4,

    /// <summary>Its configuration does not contain the sender.</summary>
    NotMember = 5,

    /// <summary>Its disk has no room.</summary>
    NoRoom = 6,

    /// <summary>The file is longer than it takes.</summary>
    TooLarge = 7,

    /// <summary>The file's checksums do not hold, or it is not what its mark says.</summary>
    Damaged = 8,

    /// <summary>The file is whole, and holds what this version does not know.</summary>
    UnknownContent = 9,
}

/// <param name="Sentence">For the operators of both ends: what happened, and what to do if that is not plain.</param>
public sealed record SnapshotRejection(SnapshotRefusal Reason, string Sentence)
{
    /// <summary>Somebody has to do something; the others are settled by what the members tell each other.</summary>
    public bool ConcernsOperator => Reason
        is SnapshotRefusal.NotMember or SnapshotRefusal.NoRoom or SnapshotRefusal.TooLarge or SnapshotRefusal.Damaged or SnapshotRefusal.UnknownContent;
}

/// <summary>How the sending of a snapshot ended.</summary>
public enum SnapshotEnd
{
    /// <summary>The receiver has the file on its disk, checked it, and told its core.</summary>
    Taken,

    /// <summary>The connection was not had or broke, or we stopped it: the receiver may have all, some or nothing of it.</summary>
    Broken,

    Refused,

    /// <summary>Our own file could not be read.</summary>
    Unreadable,
}

/// <param name="Rejection">Set when <paramref name="End"/> is refused.</param>
public readonly record struct SnapshotOutcome(SnapshotEnd End, SnapshotRejection? Rejection = null)
{
    public static SnapshotOutcome Taken => new(SnapshotEnd.Taken);

    public static SnapshotOutcome Broken => new(SnapshotEnd.Broken);
}

/// <summary>What a transport sends of a snapshot's file.</summary>
public static class SnapshotContent
{
    /// <summary>
    /// Fills the buffer. Null when that was done. Whatever a disk throws here is of this one file: whether its member can go on without it, its node decides.
    /// </summary>
    public static Exception? Read(Stream content, Span<byte> into)
    {
        try
        {
            content.ReadExactly(into);
            return null;
        }
        catch (Exception e) when (e is IOException or StorageFailedException or UnauthorizedAccessException)
        {
            return e;
        }
    }
}

/// <summary>
/// Takes in the bytes of one snapshot file, on one thread. Disposed of without <see cref="Complete"/> when the connection breaks, or when it was rejected. It throws
/// nothing that the disk throws.
/// </summary>
public interface ISnapshotArrival : IDisposable
{
    /// <summary>Bytes of this very file that are here already, of an earlier connection; the content goes on behind them.</summary>
    long TakenBytes { get; }

    /// <summary>Null when it was taken.</summary>
    SnapshotRejection? Write(ReadOnlySpan<byte> chunk);

    /// <summary>Null when the whole file is durable, checked and decoded.</summary>
    SnapshotRejection? Complete();
}
