namespace Consensus.Storage.Disk;

/// <summary>A file as a read-only stream, from its beginning. Owns the file.</summary>
internal sealed class DiskFileStream(IDiskFile file) : ReadOnlyStream
{
    public override long Length { get; } = file.Length;

    public override int Read(Span<byte> buffer)
    {
        var count = file.Read(Position, buffer);
        Position += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file.Dispose();
        }
        base.Dispose(disposing);
    }
}
