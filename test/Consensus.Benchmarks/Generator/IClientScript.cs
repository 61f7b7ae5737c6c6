namespace Consensus.Benchmarks.Generator;

/// <summary>What an answer meant for the operation that its client is in.</summary>
internal enum StepOutcome
{
    /// <summary>A preparation that is no operation (a lease granted, a key created): the operation begins with the next request.</summary>
    Prepared,

    /// <summary>The operation goes on with another request.</summary>
    Continue,

    /// <summary>The operation goes on with another answer, which comes without a request.</summary>
    Await,

    /// <summary>The operation succeeded.</summary>
    Completed,

    /// <summary>The operation did not succeed; the client goes on with a new one after a pause.</summary>
    Failed,

    /// <summary>The server's answer contradicts what it answered before (two holders of one lock, a fencing token that fell back).</summary>
    PromiseBroken,
}

/// <summary>One client's endless conversation with its server over one connection: a request out, its answer in.</summary>
internal interface IClientScript
{
    /// <summary>Room for the longest request, in bytes.</summary>
    int RequestCapacity => 4096 + (2 * Workloads.KeySpace.ValueBytes);

    /// <summary>For its connection.</summary>
    AnswerBuffer CreateAnswer() => new Http.HttpAnswerBuffer();

    /// <summary>
    /// Writes the next request and answers its length, or 0 when the client has nothing more to say. <paramref name="stopping"/>: the
    /// measurement is over; finish what was begun, give back what is held, begin nothing.
    /// </summary>
    int NextRequest(Span<byte> request, bool stopping);

    /// <summary>Judges the answer to the request written last, or one that was awaited.</summary>
    StepOutcome OnAnswer(int status, ReadOnlySpan<byte> body);
}
