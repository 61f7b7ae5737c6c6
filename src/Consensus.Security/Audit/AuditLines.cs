namespace Consensus.Security.Audit;

/// <summary>One line of a file.</summary>
/// <param name="Number">From 1 on.</param>
/// <param name="Bytes">Without its end; of one that is too long its beginning. Good until the next is asked for.</param>
/// <param name="IsWhole">It has its end, and is not too long.</param>
public readonly record struct AuditLineRead(long Number, ReadOnlyMemory<byte> Bytes, bool IsWhole);

/// <summary>Reads a file line by line, in bounded memory whatever it holds.</summary>
public static class AuditLines
{
    private const int BufferBytes = 4 * AuditLine.MostBytes;

    /// <summary>The lines of a file from where it stands.</summary>
    public static IEnumerable<AuditLineRead> Of(Stream file)
    {
        var buffer = new byte[BufferBytes];
        var (begin, end, number) = (0, 0, 1L);
        var (isEnded, isTooLong) = (false, false);
        while (true)
        {
            var length = buffer.AsSpan(begin, end - begin).IndexOf((byte)'\n');
            if (length >= 0)
            {
                if (!isTooLong)
                {
                    yield return new AuditLineRead(number, buffer.AsMemory(begin, length), length <= AuditLine.MostBytes);
                }
                (begin, number, isTooLong) = (begin + length + 1, number + 1, false);
                continue;
            }
            if (isEnded)
            {
                if (end > begin && !isTooLong)
                {
                    yield return new AuditLineRead(number, buffer.AsMemory(begin, end - begin), IsWhole: false);
                }
                yield break;
            }
            if (end - begin > AuditLine.MostBytes)
            {
                if (!isTooLong)
                {
                    yield return new AuditLineRead(number, buffer.AsMemory(begin, AuditLine.MostBytes), IsWhole: false);
                }
                // The rest of it is passed over.
                (begin, end, isTooLong) = (0, 0, true);
            }
            if (begin > 0)
            {
                buffer.AsSpan(begin, end - begin).CopyTo(buffer);
                (begin, end) = (0, end - begin);
            }
            var read = file.Read(buffer.AsSpan(end));
            end += read;
            isEnded = read == 0;
        }
    }
}
