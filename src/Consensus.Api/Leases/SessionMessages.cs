using System.Text.Json.Serialization;
using Consensus.Api.Problems;

namespace Consensus.Api.Leases;

/// <summary>What a session has beside its lease.</summary>
/// <param name="Seq">The highest number that was taken; 0 before the first.</param>
/// <param name="Acked">Up to this number its client knows the answers; none of them is taken any more.</param>
/// <param name="Answers">How many answers are kept until they are acknowledged.</param>
public sealed record SessionAnswer(long Seq, long Acked, long Answers);

/// <param name="Seq">A number of the session, at least 1.</param>
public sealed record SettleRequest(long Seq);

/// <summary>What came of one number of a session, once and for all.</summary>
public sealed record SettleAnswer
{
    public required long Seq { get; init; }

    /// <summary>One of <see cref="SettleResults"/>.</summary>
    public required string Result { get; init; }

    /// <summary>Of the first answer; the present one when there is none.</summary>
    public required long Revision { get; init; }

    /// <summary>What it was granted and still has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SettledHold>? Holds { get; init; }

    /// <summary>The lease that it was granted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Lease { get; init; }

    /// <summary>What it was told when it was refused; or that what it was granted is gone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProblemAnswer? Problem { get; init; }
}

/// <param name="Kind"><c>lock</c>, <c>semaphore</c> or <c>election</c>.</param>
public sealed record SettledHold(string Kind, string Name, long FencingToken);

public static class SettleResults
{
    /// <summary>It was done; sent again, it is told its whole answer.</summary>
    public const string Done = "done";

    /// <summary>It was refused, and stays so.</summary>
    public const string Refused = "refused";

    /// <summary>It was not done, and it never will be.</summary>
    public const string NotDone = "not-done";
}
