using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Consensus.Api.Packed;
using Consensus.Api.Problems;

namespace Consensus.Client;

/// <summary>What is known about an operation that did not succeed.</summary>
public enum ApiFailureKind
{
    /// <summary>A member judged it and said no; nothing was done.</summary>
    Refused,

    /// <summary>No endpoint answered, or no leader was found in time; nothing was done.</summary>
    Unavailable,

    /// <summary>A write that may or may not have taken effect, or may still.</summary>
    OutcomeUnknown,

    /// <summary>
    /// A member does not know who asks (401), or whoever asks may not (403): nothing was done. It is no answer to what was asked before,
    /// and ends no hold.
    /// </summary>
    Denied,
}

/// <summary>
/// Why an operation did not succeed. <see cref="Status"/> and <see cref="Slug"/> are those of the RFC 9457 answer
/// (<c>urn:consensus:problem:&lt;slug&gt;</c>). The slug is empty where no member answered; the status is 0 where nobody did, and else
/// says nothing by itself.
/// </summary>
public sealed record ApiProblem(ApiFailureKind Kind, int Status, string Slug, string Detail)
{
    /// <summary>The problem document as the API gave it; null where no member answered.</summary>
    public string? Json { get; init; }

    /// <summary>Where the outcome is unknown: what a later attempt was refused with. Whoever withdraws the request may count on it.</summary>
    internal ApiProblem? RefusedSince { get; init; }

    /// <summary>How long to wait before it is worth asking again, where the member says so.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The problem document with what it says beyond <see cref="Detail"/> (who holds a lock, which revision is the oldest); null where there is none.</summary>
    public ProblemAnswer? Document
    {
        get
        {
            try
            {
                return Json is null ? null : JsonSerializer.Deserialize(Json, AnswerTypes.Checked(ClientJson.Default.ProblemAnswer));
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}

/// <summary>An answer that has no body.</summary>
public sealed record EmptyAnswer;

/// <summary>The answer to one operation: a value, or the problem.</summary>
public sealed record ApiResult<T>
{
    private ApiResult()
    {
    }

    /// <summary>True when there is a value, false when there is a problem.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Problem))]
    public bool Succeeded => Problem is null;

    /// <summary>The answer; null when it did not succeed.</summary>
    public T? Value { get; private init; }

    /// <summary>Why it did not succeed; null when it did.</summary>
    public ApiProblem? Problem { get; private init; }

    /// <summary>
    /// The body as the API gave it, or as JSON where it came as MessagePack, made anew by each reading. Empty for an answer without a body.
    /// </summary>
    public string Json => Problem?.Json ?? Encoding.UTF8.GetString(Packed.IsEmpty ? Body.Span : PackedJson.ToJson(Packed));

    /// <summary>The body as the API gave it in MessagePack; empty where it came as JSON.</summary>
    internal ReadOnlyMemory<byte> Packed => PackedDocument.IsPacked(Body.Span) ? Body : default;

    private ReadOnlyMemory<byte> Body { get; init; }

    internal static ApiResult<T> Of(T value, string json) => Of(value, Encoding.UTF8.GetBytes(json));

    internal static ApiResult<T> Of(T value, byte[] body) => new() { Value = value, Body = body };

    internal static ApiResult<T> Failed(ApiProblem problem) => new() { Problem = problem };
}
