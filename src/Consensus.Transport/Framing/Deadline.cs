namespace Consensus.Transport.Framing;

/// <summary>A moment on the monotonic clock until which something may take.</summary>
internal readonly struct Deadline(TimeProvider time, TimeSpan within)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Zero when it has passed.</summary>
    public TimeSpan Remaining
    {
        get
        {
            var left = within - time.GetElapsedTime(_start);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public bool HasPassed => Remaining == TimeSpan.Zero;
}
