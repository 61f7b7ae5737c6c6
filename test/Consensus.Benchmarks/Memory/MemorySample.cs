namespace Consensus.Benchmarks.Memory;

/// <summary>What the members of one system hold in memory, each in the order of the members.</summary>
/// <param name="PutsPerSecond">While all puts were written, by as many clients as the run had.</param>
/// <param name="Fresh">With no key yet.</param>
/// <param name="AtEnd">Right after the last put.</param>
/// <param name="Settled">Some seconds later.</param>
internal sealed record MemorySample(
    string System,
    int Puts,
    int Keys,
    double PutsPerSecond,
    IReadOnlyList<MemberMemory> Fresh,
    IReadOnlyList<MemberMemory> AtEnd,
    IReadOnlyList<MemberMemory> Settled);
