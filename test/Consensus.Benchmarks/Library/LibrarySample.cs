using Consensus.Benchmarks.Load;

namespace Consensus.Benchmarks.Library;

/// <summary>One speaker under one workload, once.</summary>
/// <param name="Measured">Its system is the speaker's name; the members' memory and processor time are in it, and those of the
/// speaker.</param>
/// <param name="Refused">Requests that members answered with a status of 400 and above meanwhile, whether or not they were sent again;
/// null when a member does not tell.</param>
internal sealed record LibrarySample(Measurement Measured, double? Refused);

/// <summary>Writes of one client of the library beside a wait of the same session.</summary>
/// <param name="Writes">Those that were done.</param>
/// <param name="NotDone">Those that threw.</param>
/// <param name="Numbers">By how much the highest number of the session rose: what was asked under it. The rest had keys.</param>
/// <param name="Unacknowledged">Numbers of the session that were not acknowledged at the end.</param>
/// <param name="WaitedSeconds">From asking for the lock until it was granted.</param>
/// <param name="Granted">Whether the one that waited got the lock once it was given back.</param>
/// <param name="Refused">As in <see cref="LibrarySample"/>.</param>
internal sealed record WaitSample(
    int Round,
    int Writers,
    double Seconds,
    long Writes,
    long NotDone,
    string? FirstError,
    long Numbers,
    long Unacknowledged,
    double WaitedSeconds,
    bool Granted,
    double? Refused);
