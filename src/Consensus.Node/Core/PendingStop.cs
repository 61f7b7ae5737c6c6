namespace Consensus.Node.Core;

/// <summary>The process was asked to end (rule 30).</summary>
public class PendingStop : PendingRequest<StopAnswer>;

/// <summary>What waited is settled, and leadership is handed over where it could be.</summary>
public readonly record struct StopAnswer;
