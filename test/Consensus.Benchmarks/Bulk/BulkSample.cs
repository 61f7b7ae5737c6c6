namespace Consensus.Benchmarks.Bulk;

/// <summary>How the holders of locks with one TTL fared beside the flood.</summary>
/// <param name="TtlMs">Of each lock; it is renewed every fifth of it.</param>
/// <param name="Lost">Holders that were told that their hold had ended.</param>
/// <param name="Late">Holds that were, to their holder's knowledge, over at some time: no renewal that was sent within the TTL before was answered with 200.</param>
/// <param name="NotDone">Renewals that were answered with something else than 200 and did not end the hold.</param>
/// <param name="P50Ms">From the time at which a renewal was due until its answer was there.</param>
internal sealed record HolderSample(int TtlMs, int Holders, int Lost, int Late, long Renewals, long NotDone, double P50Ms, double P99Ms, double MaxMs);

/// <summary>How clients fared that put as fast as they were let.</summary>
/// <param name="ByStatus">Answers by status; 0 counts connections that broke.</param>
/// <param name="P50Ms">Of the puts that were done.</param>
/// <param name="LongestRefusedMs">The longest that a put took which was refused.</param>
internal sealed record FloodSample(int Clients, int ValueBytes, IReadOnlyDictionary<int, long> ByStatus, double P50Ms, double MaxMs, double LongestRefusedMs);

/// <summary>What one member says of itself at the end of a round.</summary>
/// <param name="FullCollections">Collections of generation 2 in the round.</param>
/// <param name="StoppedMs">For how long collections stopped all its threads in the round, all together.</param>
/// <param name="LongestStopMs">The longest single stop since its start.</param>
/// <param name="LongestTurnMs">The longest turn of its loop since its start, without stops.</param>
/// <param name="PeakBytes">The most that was ever resident.</param>
internal sealed record MemberSample(
    string Name, bool Leads, double FullCollections, double StoppedMs, double LongestStopMs, double LongestTurnMs, long PeakBytes);

/// <summary>One round of renewals beside a flood of large puts.</summary>
/// <param name="Floods">The large puts first, then the small ones, if there were any.</param>
internal sealed record BulkSample(
    int Round,
    double Seconds,
    IReadOnlyList<HolderSample> Holders,
    IReadOnlyList<FloodSample> Floods,
    IReadOnlyList<MemberSample> Members,
    long Elections);
