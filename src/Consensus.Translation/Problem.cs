using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>A problem to answer with: its type, one sentence, and what goes with it in members and headers.</summary>
public sealed record Problem(ProblemType Type, string Detail)
{
    /// <summary>
    /// Characters of a sentence; longer ones are cut. Whoever quotes takes an <see cref="Excerpt"/>: this is for what nobody thought of,
    /// such as a list of many names.
    /// </summary>
    public const int MostDetailCharacters = 1_024;

    public string Detail { get; } = Excerpt.Of(Detail, MostDetailCharacters);

    /// <summary>What the answer was computed from; zero: the member's present revision.</summary>
    public Revision StateRevision { get; init; }

    public int? RetryAfterSeconds { get; init; }

    /// <summary>For 405.</summary>
    public string? Allow { get; init; }

    /// <summary>The present modRevision of the key whose condition failed.</summary>
    public long? Revision { get; init; }

    public string? Holder { get; init; }

    public long? FencingToken { get; init; }

    /// <summary>Of the hold that the one who asked has already.</summary>
    public long? OwnFencingToken { get; init; }

    public long? Waiters { get; init; }

    /// <summary>Which of several locks.</summary>
    public string? Name { get; init; }

    public long? Permits { get; init; }

    public long? PermitsOut { get; init; }

    public long? HighestToken { get; init; }

    public long? CompactRevision { get; init; }

    public IReadOnlyDictionary<string, bool>? Checks { get; init; }

    /// <summary>For 403: what is not allowed, for whoever records it. It is told to nobody who asks.</summary>
    public Forbidden? Denial { get; init; }

    /// <summary>The rest of the request is not worth reading.</summary>
    public bool ClosesConnection { get; init; }

    /// <summary>What is in the way passes by itself (an election, a queue, a start), mostly within a second; nobody knows when.</summary>
    public static Problem NotReady(string detail) => new(ProblemTypes.NotReady, detail) { RetryAfterSeconds = 1 };

    public static Problem BadRequest(string detail) => new(ProblemTypes.BadRequest, detail);

    public static Problem TooLarge(string detail) => new(ProblemTypes.TooLarge, detail);

    public static Problem NotFound(string detail, Revision revision = default) =>
        new(ProblemTypes.NotFound, detail) { StateRevision = revision };

    public ProblemAnswer ToAnswer() => new()
    {
        Type = Type.Uri,
        Title = Type.Title,
        Status = Type.Status,
        Detail = Detail,
        Revision = Revision,
        Holder = Holder,
        FencingToken = FencingToken,
        OwnFencingToken = OwnFencingToken,
        Waiters = Waiters,
        Name = Name,
        Permits = Permits,
        PermitsOut = PermitsOut,
        HighestToken = HighestToken,
        CompactRevision = CompactRevision,
        Checks = Checks,
    };
}
