namespace Consensus.Benchmarks.Generator;

/// <summary>What an answer meant for the operation that its client is in.</summary>
internal enum StepOutcome
{
    /// <summary>A preparation that is no operation (a lease granted, a key created): the operation begins with the next request.</summary>
    Prepared,

    /// <summary>The operation goes on with another request.</summary>
    Continue,

    /// <summary>The operation succeeded.</summary>
    Completed,

    /// <summary>The operation did not succeed; the client goes on with a new one after a pause.</summary>
    Failed,

    /// <summary>The server's answer contradicts what it answered before (two holders of one lock, a fencing token that fell back).</summary>
    PromiseBroken,
}

/// <summary>One client's endless conversation with its server: one request out, one answer in, over one connection.</summary>
internal interface IClientScript
{
    /// <summary>Room for the longest request, in bytes.</summary>
    int RequestCapacity => 4096 + (2 * Workloads.KeySpace.ValueBytes);

    /// <summary>
    /// Writes the next request and answers its length, or 0 when the client has nothing more to say. <paramref name="stopping"/>: the
    /// measurement is over; finish what was begun, give back what is held, begin nothing.
    /// </summary>
    int NextRequest(Span<byte> request, bool stopping);

    /// <summary>Judges the answer to the request written last.</summary>
    StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body);
}
