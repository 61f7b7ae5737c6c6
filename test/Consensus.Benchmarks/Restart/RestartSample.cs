namespace Consensus.Benchmarks.Restart;

/// <summary>One end of all members at once, and their start.</summary>
/// <param name="LogBytes">Of the member with the most log on its disk, before.</param>
/// <param name="SlowestReadyMs">From the first start until every member was seen to be ready.</param>
/// <param name="WriteMs">From the first start until the first put was acknowledged.</param>
/// <param name="WriteAfterReadyMs">From every member's being ready until then; 0 when the put came first.</param>
/// <param name="Elections">By how much the highest term rose.</param>
internal sealed record RestartSample(int Round, double LogBytes, double SlowestReadyMs, double WriteMs, double WriteAfterReadyMs, long Elections);
