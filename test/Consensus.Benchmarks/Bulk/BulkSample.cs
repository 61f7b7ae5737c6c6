namespace Consensus.Benchmarks.Bulk;

/// <summary>How the holders of locks with one TTL fared beside the flood.</summary>
/// <param name="TtlMs">Of each lock; it is renewed every fifth of it.</param>
/// <param name="Lost">Holders that were told that their hold had ended.</param>
/// <param name="Late">Holds that were, to their holder's knowledge, over at some time: no renewal that was sent within the TTL before was answered with 200.</param>
/// <param name="NotDone">Renewals that were answered with something else than 200 and did not end the hold.</param>
/// <param name="P50Ms">From the time at which a renewal was due until its answer was there.</param>
internal sealed record HolderSample(int TtlMs, int Holders, int Lost, int Late, long Renewals, long NotDone, double P50Ms, double P99Ms, double MaxMs);

/// <summary>One round of renewals beside a flood of large puts.</summary>
/// <param name="BulkByStatus">Answers to the flood's puts by status; 0 counts connections that broke.</param>
/// <param name="LongestRefusedMs">The longest that a put took which was refused.</param>
/// <param name="LargestResidentBytes">Of the largest member at the end.</param>
internal sealed record BulkSample(
    int Round,
    double Seconds,
    int BulkClients,
    IReadOnlyList<HolderSample> Holders,
    IReadOnlyDictionary<int, long> BulkByStatus,
    double BulkP50Ms,
    double BulkMaxMs,
    double LongestRefusedMs,
    long LargestResidentBytes,
    long Elections);
