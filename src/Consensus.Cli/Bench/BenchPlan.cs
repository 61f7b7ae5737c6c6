namespace Consensus.Cli.Bench;

internal enum Workload
{
    /// <summary>Sets random keys.</summary>
    Put,

    /// <summary>Sets a key of the client's own on the condition that it is as the client left it.</summary>
    Cas,

    /// <summary>Linearizable reads of random keys.</summary>
    Get,

    /// <summary>Takes a lock of the client's own and releases it: two requests, one operation.</summary>
    Lock,

    /// <summary>Of ten operations eight gets, one put, and one lock or compare-and-set.</summary>
    Mixed,
}

/// <param name="Clients">Each asks for one thing at a time.</param>
/// <param name="ValueBytes">Of what is put.</param>
/// <param name="Keys">That puts and gets choose among.</param>
internal sealed record BenchPlan(Workload Workload, int Clients, int ValueBytes, int Keys, TimeSpan Duration)
{
    /// <summary>Everything that a run writes is under it, so that it can be removed again, and two runs do not meet.</summary>
    public string Prefix { get; init; } = $"consensusctl-bench/{Guid.NewGuid():N}/";
}

/// <summary>What came of a run.</summary>
/// <param name="Latency">Of the operations that succeeded; what could not be sent meanwhile is put in where its percentiles are told.</param>
/// <param name="FirstFailure">One sentence; null when nothing failed.</param>
internal sealed record BenchResult(BenchPlan Plan, TimeSpan Elapsed, LatencyHistogram Latency, long Failures, string? FirstFailure)
{
    public double PerSecond => Elapsed > TimeSpan.Zero ? Latency.Count / Elapsed.TotalSeconds : 0;
}
