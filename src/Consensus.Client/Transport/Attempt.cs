using System.Net;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>What one send to one endpoint told.</summary>
internal enum AttemptKind
{
    /// <summary>A 2xx answer.</summary>
    Done,

    /// <summary>A definite no of a member.</summary>
    Refused,

    /// <summary>
    /// A member does not know who asks, or whoever asks may not, by now: nothing was looked at, so that it ends no hold and says nothing of
    /// what was asked before.
    /// </summary>
    Denied,

    /// <summary>
    /// Nothing was done, and another member or a later moment may do it: refused connection, a member's 503 or 429; of a read whatever else
    /// is no answer.
    /// </summary>
    NothingDone,

    /// <summary>It may have taken effect: 504, a broken connection, no answer in time, or one that no member gave.</summary>
    Unknown,
}

/// <summary>The answer, or the lack of one, to one send of a request to one endpoint.</summary>
internal sealed record Attempt(AttemptKind Kind, Uri Endpoint)
{
    /// <summary>0 when nobody answered.</summary>
    public HttpStatusCode Status { get; init; }

    public byte[] Body { get; init; } = [];

    /// <summary>What it says, where it is done: as the request's <see cref="ApiRequest.Form"/> reads it.</summary>
    public object? Value { get; init; }

    public string Slug { get; init; } = "";

    /// <summary>One sentence for a person; empty when done.</summary>
    public string Detail { get; init; } = "";

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Of an attempt whose outcome is unknown: what a later one under the same identity was refused with.</summary>
    public Attempt? RefusedSince { get; init; }

    /// <summary>It waits in slices, and was told its place in line: it is to be sent again.</summary>
    public bool IsPlace { get; init; }

    /// <summary>An answer that no member gave (<see cref="HeardAnswer"/>).</summary>
    public bool IsForeign { get; init; }

    /// <summary>
    /// No answer: the connection could not be secured in a way that asking again would better, for one end does not believe the other's
    /// certificate or speaks no TLS. Nothing was done.
    /// </summary>
    public bool IsUntrusted { get; init; }

    /// <summary>
    /// Whoever gave it is not believed, or is no member, nor a proxy that says for the time being that it accepted it for later, that it
    /// has too much to do, or that members are away (RFC 9110 §15.3.3 and §15.6, RFC 6585 §4): a pause will not make a member of it.
    /// </summary>
    public bool IsAtWrongAddress => IsUntrusted || (IsForeign && (int)Status is not (202 or 408 or 425 or 429 or >= 500));

    /// <summary>True when not even a connection was made.</summary>
    public bool Unreachable { get; init; }

    /// <summary>Only these words of the contract end a hold. A 410 or 412 without its slug came from somewhere else.</summary>
    public bool EndsHold => Kind == AttemptKind.Refused && (Is(ProblemTypes.LeaseExpired) || Is(ProblemTypes.NotHolder));

    /// <summary>True when the answer is that problem of the contract; a bare status of some other server's is not.</summary>
    public bool Is(ProblemType problem) => Slug == problem.Slug && (int)Status == problem.Status;
}
