using Consensus.Api;
using Consensus.Api.Locks;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Translation;

namespace Consensus.Server.Holds;

/// <summary>What a request that waits in slices says, and is told.</summary>
internal static class Slices
{
    /// <summary>False with the refusal set when <c>poll</c> is given and is no duration, or nothing says whose place it is.</summary>
    /// <param name="slice">For how long the request is to wait for its answer before it is told its place; null: as long as it takes.</param>
    public static bool TryRead(QueryParameters query, RequestIdentity identity, out TimeSpan? slice, out Problem? refusal)
    {
        slice = null;
        if (!query.TryGetDuration(QueryName.Poll, ApiLimits.MaxWaitMicros, out var micros, out refusal))
        {
            return false;
        }
        if (micros is { } time)
        {
            slice = TimeSpan.FromMicroseconds(time);
            refusal = identity.IsNone ? NeedsIdentity : null;
        }
        return refusal is null;
    }

    public static Task TellAsync(HttpContext http, Replies replies, PlaceAnswer place) =>
        replies.Json(http, StatusCodes.Status202Accepted, place, ApiJson.Default.PlaceAnswer, Revision.Zero);

    private static Problem NeedsIdentity => Problem.BadRequest(
        $"the query parameter \"poll\" needs the header {ApiHeaders.IdempotencyKey} or {ApiHeaders.Session}: "
        + "whoever asks again for a place is known by that");
}
