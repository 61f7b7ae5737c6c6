using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>
/// Where the counters of one process begin: anywhere, each on its own, so that a number of the process before means nothing here, even to somebody who should forget to compare
/// boots.
/// </summary>
public sealed class CounterStarts
{
    /// <summary>
    /// Numbers below it take four bytes on the wire and in the log; a process that began at 1 would use as many after two million requests.
    /// </summary>
    private const long Range = 1L << 27;

    /// <param name="boot">Random itself, and new with each process: all else follows from it.</param>
    public CounterStarts(long boot)
    {
        var random = new DeterministicRandom((ulong)boot);
        Requests = random.Next(Range);
        Reads = random.Next(Range);
        Transfers = random.Next(Range);
        Internal = long.MaxValue - random.Next(long.MaxValue / 4);
    }

    /// <summary>Sequences of clients' requests count up from here.</summary>
    public long Requests { get; }

    /// <summary>Sequences of the member's own requests count down from here.</summary>
    public long Internal { get; }

    /// <summary>Contexts of read indexes count up from here.</summary>
    public long Reads { get; }

    /// <summary>Hand-overs of leadership that this member was asked for count up from here.</summary>
    public long Transfers { get; }
}
