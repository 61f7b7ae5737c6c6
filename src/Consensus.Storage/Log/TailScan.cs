namespace Consensus.Storage.Log;

/// <summary>What the last segment holds from the first place on where no good frame begins.</summary>
/// <param name="WitnessOffset">Where a later frame begins that says that the missing one was durable; -1 when there is none.</param>
/// <param name="EndOfContent">Offset after the last byte that is not zero; the scanned offset itself when all are.</param>
internal readonly record struct TailScan(long WitnessOffset, long EndOfContent)
{
    /// <summary>
    /// Looks at every offset, because damage may have moved or hidden where frames begin. A witness needs its header only: whoever wrote
    /// that header knew that the frame was flushed, whatever became of the witness's own payload.
    /// </summary>
    /// <param name="offset">Where frame <paramref name="frame"/> should begin.</param>
    public static TailScan Run(SegmentReader reader, long offset, long segment, long frame, uint seed)
    {
        var endOfContent = offset;
        var at = offset;
        while (at < reader.Length)
        {
            var window = reader.From(at);
            var lastContent = window.LastIndexOfAnyExcept((byte)0);
            if (lastContent >= 0)
            {
                endOfContent = at + lastContent + 1;
            }
            for (var from = 0; ;)
            {
                var found = window[from..].IndexOf(FrameHeader.Magic);
                if (found < 0)
                {
                    break;
                }
                from += found;
                if (FrameHeader.TryRead(window[from..], seed, out var header)
                    && header.Segment == segment
                    && header.Frame > frame
                    && header.DurableThrough >= frame)
                {
                    return new TailScan(at + from, endOfContent);
                }
                from++;
            }
            // The next window begins early enough for a header that this one cuts in two.
            at = at + window.Length == reader.Length ? reader.Length : at + window.Length - FrameHeader.Bytes + 1;
        }
        return new TailScan(-1, endOfContent);
    }
}
