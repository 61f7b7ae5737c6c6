using System.Text.Json.Serialization;
using Consensus.Api.Problems;

namespace Consensus.Api.Leases;

/// <summary>What a session has beside its lease.</summary>
/// <param name="Seq">The highest number that was taken; 0 before the first.</param>
/// <param name="Acked">Up to this number its client knows the answers; none of them is taken any more.</param>
/// <param name="Answers">How many answers are kept until they are acknowledged.</param>
/// <param name="Version">It rises whenever a hold or a place under the session begins or ends.</param>
public sealed record SessionAnswer(long Seq, long Acked, long Answers, long Version);

/// <summary>What the client of a session may not know of. What it does not know of it releases; what it misses it has lost.</summary>
public sealed record SessionNewsAnswer
{
    /// <summary>The next <c>since</c>; of several answers that go on with one another, that of the first.</summary>
    public required long Version { get; init; }

    /// <summary>
    /// More has ended since than is remembered, or than the answer takes, or <c>since</c> is no version of the session: ask with
    /// <c>since</c> 0; what is not among all that there is has ended.
    /// </summary>
    public required bool MustList { get; init; }

    /// <summary>
    /// Since then, in order, the newest 100, or as many as take 24 KiB; what was ended under a number of the session, by its token, is not among it.
    /// Empty for <c>since</c> 0.
    /// </summary>
    public required IReadOnlyList<SessionEndedItem> Ended { get; init; }

    /// <summary>The holds and places that there are and that began since, in order; as many as an answer of 32 KiB takes.</summary>
    public required IReadOnlyList<SessionItem> Began { get; init; }

    /// <summary>There are more that began: the <c>after</c> that goes on with them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Next { get; init; }

    /// <summary>How long the hold that ends first by its <c>maxHold</c> has left, whatever is renewed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MaxHoldLeftMs { get; init; }
}

/// <summary>A hold or a place under a session.</summary>
/// <param name="Kind"><c>lock</c>, <c>semaphore</c> or <c>election</c>.</param>
public sealed record SessionItem(string Kind, string Name)
{
    /// <summary>Null for a place in line.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? FencingToken { get; init; }

    /// <summary>The number of the request that stands or stood in line for it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seq { get; init; }
}

/// <summary>One that ended.</summary>
/// <param name="Reason"><c>released</c>, <c>forced</c>, <c>held-too-long</c>, <c>handed-over</c>; of a place <c>wait-over</c>, <c>given-up</c> or <c>refused</c>.</param>
public sealed record SessionEndedItem(string Kind, string Name, string Reason)
{
    /// <inheritdoc cref="SessionItem.FencingToken"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? FencingToken { get; init; }

    /// <inheritdoc cref="SessionItem.Seq"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seq { get; init; }
}

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

    /// <summary>What it was told when it was refused; or that what it was granted is gone, but for <see cref="Holds"/>.</summary>
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
