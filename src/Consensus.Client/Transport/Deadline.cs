using System.Diagnostics;

namespace Consensus.Client.Transport;

/// <summary>When one blocking exchange must be over, in real time: sockets know no other.</summary>
internal readonly struct Deadline(TimeSpan timeout)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public TimeSpan Left => timeout - Stopwatch.GetElapsedTime(_start);

    /// <summary>At least 1: 0 would wait for ever.</summary>
    /// <exception cref="TimeoutException">It has passed.</exception>
    public int LeftMs => Left is var left && left > TimeSpan.Zero
        ? (int)Math.Clamp(Math.Ceiling(left.TotalMilliseconds), 1, int.MaxValue)
        : throw new TimeoutException("The deadline has passed.");
}
