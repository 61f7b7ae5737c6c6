using System.Net;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>What one send to one endpoint told.</summary>
internal enum AttemptKind
{
    /// <summary>A 2xx answer.</summary>
    Done,

    /// <summary>A definite no.</summary>
    Refused,

    /// <summary>Nothing was done, and another member or a later moment may do it: refused connection, 503, 429.</summary>
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

    /// <summary>A success by its status, and none by its body: nobody who knows the contract gave it.</summary>
    public bool IsForeign { get; init; }

    /// <summary>True when not even a connection was made.</summary>
    public bool Unreachable { get; init; }

    /// <summary>Only these words of the contract end a hold. A 410 or 412 without its slug came from somewhere else.</summary>
    public bool EndsHold => Kind == AttemptKind.Refused && (Is(ProblemTypes.LeaseExpired) || Is(ProblemTypes.NotHolder));

    /// <summary>True when the answer is that problem of the contract; a bare status of some other server's is not.</summary>
    public bool Is(ProblemType problem) => Slug == problem.Slug && (int)Status == problem.Status;
}
