using Consensus.Benchmarks.Memory;

namespace Consensus.Benchmarks.Streams;

/// <summary>How long one kind of request of other clients took, each counted from when it was due.</summary>
/// <param name="Failed">Answered with something else than a success, or not at all.</param>
internal sealed record ProbeSample(string What, long Count, long Failed, double P50Ms, double P99Ms, double MaxMs);

/// <summary>One round of writes, with or without streams that nobody reads.</summary>
/// <param name="Streams">Kept open; 0 for the round to compare with.</param>
/// <param name="Opened">All that were opened: the member cuts off who takes nothing, and for each one that it cut off another was
/// opened.</param>
/// <param name="OpenAtEnd">Of these, as the member counts them.</param>
/// <param name="NotDone">Writes that were answered with something else than a success.</param>
/// <param name="Before">Of the member with the streams, when the load began, with some values written.</param>
/// <param name="After">Of the same at the end; its peak is of its whole life.</param>
internal sealed record StreamsSample(
    int Round,
    int Streams,
    int Opened,
    long OpenAtEnd,
    double Seconds,
    long Writes,
    double WrittenMiB,
    long NotDone,
    MemberMemory Before,
    MemberMemory After,
    IReadOnlyList<ProbeSample> Probes,
    long Elections);
